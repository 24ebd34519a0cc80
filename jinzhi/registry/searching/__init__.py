"""Finding enterprises: by codes, fragments of names, former names, pinyin initials, and names not quite right."""
