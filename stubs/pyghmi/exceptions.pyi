# What gpuwatch uses of pyghmi, typed.

class IpmiException(Exception): ...  # noqa: N818 - the library's name
