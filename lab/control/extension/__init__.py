"""The lab's additions to moto, in the same process as moto, which stays unmodified.

Everything here reaches private parts of moto, which is why moto is pinned to
one version. Each patch says what AWS does in the place where moto differs.
"""
