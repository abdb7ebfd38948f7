"""Extensions of the ORM and its databases."""
