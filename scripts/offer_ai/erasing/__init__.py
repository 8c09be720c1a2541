"""Takes users out of everything that the project keeps."""
