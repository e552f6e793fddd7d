"""The demo: real requests walk the whole path, people act by the API, and all of it is verified again."""
