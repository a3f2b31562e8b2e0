"""Models: what scores texts, where it comes from, and the students that angelshare makes.

Importing the package costs nothing; students register with transformers' Auto classes as soon as both are imported.
"""
