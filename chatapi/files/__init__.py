"""Files that people upload: their names, types, content, storage and delivery."""
