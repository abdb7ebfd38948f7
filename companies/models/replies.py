"""Saved replies."""

from django.db import models
from django.utils import timezone

from companies.models.companies import Company


class SavedReply(models.Model):
    """A prepared answer that all agents of a company can use."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="saved_replies")
    title = models.CharField(max_length=100)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "saved replies"
        constraints = [
            models.UniqueConstraint(fields=["company", "title"], name="saved_reply_title")
        ]

    def __str__(self) -> str:
        return self.title
