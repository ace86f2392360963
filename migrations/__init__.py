"""The history of the database: thin revisions over frozen SQL files."""
