"""`{% load text %}`: `{{ message|shorten:90 }}`."""

from django import template

from chatapi import text

register = template.Library()
register.filter("shorten", text.shorten)
