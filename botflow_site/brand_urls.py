"""The addresses of what the owner's name, logo and color make of the site."""

from django.urls import URLPattern, path

from botflow_site import brand_views

urlpatterns: list[URLPattern] = [
    path("manifest.webmanifest", brand_views.manifest, name="manifest"),
    path("brand.css", brand_views.brand_css, name="brand_css"),
    path("brand/logo", brand_views.brand_logo, name="brand_logo"),
    path("brand/icon.svg", brand_views.brand_icon, name="brand_icon"),
    path("brand/icon-<int:size>.png", brand_views.brand_png, name="brand_png"),
]
