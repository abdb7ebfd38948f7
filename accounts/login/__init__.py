"""How people log in: django-allauth's hooks, limits on guessing, known browsers."""
