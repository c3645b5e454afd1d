"""What programs are told about the daemon's interfaces, in the words of OpenAPI and AsyncAPI. Pure."""
