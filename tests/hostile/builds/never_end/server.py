import right
