"""The OpenAPI descriptions of notes."""

from chatapi.api.errors import ErrorCode
from chatapi.api.schema.describe import Operation, Resource, Response, describe, page
from chats.schema.examples.notes import DETAIL, EDITED, NOTE, TOMBSTONE
from chats.serializers.notes import NoteDetailSerializer, NoteInput, NoteSerializer, NotesQuery

notes = describe(
    "notes",
    "Notes",
    Resource("note", "notes", NoteSerializer),
    list=Operation(
        shown={"One note": page("/api/chats/42/notes", NOTE)},
        answer="The notes, newest first; with `order=asc`, oldest first.",
        description="Chat users, and so guests, never see notes, nor that there are any.",
        query=NotesQuery,
    ),
    create=Operation(
        "Write a note",
        {201: Response(NoteDetailSerializer, {"Written": DETAIL}, "The note.")},
        "Any member can write notes, in closed chats too, without joining the chat.",
        request=NoteInput,
        examples={
            "A note": {"text": NOTE["text"]},
            "A mention": {"text": "@Mary?", "mentions": [6]},
        },
    ),
    retrieve=Operation(
        "Get a note",
        {200: Response(NoteDetailSerializer, {"A note": DETAIL}, "The note and earlier texts.")},
    ),
    update=Operation(
        "Edit a note",
        {200: Response(NoteDetailSerializer, {"Edited": EDITED}, "The updated note.")},
        "Only the author can edit a note, within the same time limit as messages.",
        request=NoteInput,
        examples={"New text": {"text": EDITED["text"]}},
        errors=(ErrorCode.NOT_AUTHOR, ErrorCode.EDIT_WINDOW_OVER, ErrorCode.MESSAGE_DELETED),
    ),
    destroy=Operation(
        "Delete a note",
        {200: Response(NoteDetailSerializer, {"Deleted": TOMBSTONE}, "The note without its text.")},
        "For the author, managers and owners. The text is deleted; the note keeps its position and "
        "its author. Deleting it again is not an error.",
        errors=(ErrorCode.NOT_AUTHOR,),
    ),
)
