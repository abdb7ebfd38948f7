"""The database engine `chatapi.postgresql`."""
