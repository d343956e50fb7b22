"""The pages of change requests: the docket, one request as it is judged, and what people do about it."""
