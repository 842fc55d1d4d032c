"""How each noun looks on a terminal, once: the same for an installation here (`otai.cli.*`) and for a Studio elsewhere
(`cli/remote/`).

Each module takes plain values, which either door fills from what it has, and prints. `zone` is that of the times shown;
None is this machine's. With --json the doors print their own documents and none of this.
"""
