"""`{% load text %}`: `{{ message|shorten:90 }}`."""

from django import template

from chatapi.text import display

register = template.Library()
register.filter("shorten", display.shorten)
