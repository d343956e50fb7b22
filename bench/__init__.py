"""`make bench`: what must stay quick, as ratios against a limit measured in the same run."""
