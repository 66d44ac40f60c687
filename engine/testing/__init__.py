"""`fusion test`: scenarios run on bundles of their author's, with what they expect."""
