"""Who may sign in."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who may sign in; a class of our own so that fields can be added later."""
