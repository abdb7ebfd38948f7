"""The database engine `chatapi.db.postgresql`."""
