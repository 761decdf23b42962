"""An autograder for Gradescope: the zip that an instructor uploads, and what runs from it in the container."""
