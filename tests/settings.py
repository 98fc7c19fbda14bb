"""The site's settings in an environment of the tests' own, never the developer's."""

from tests.harness import environment

environment.prepare()

from botflow_site.settings import *  # noqa: E402, F403
