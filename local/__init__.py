"""The whole of Countersign on one machine: set-up, servers, and the program behind `make demo`."""
