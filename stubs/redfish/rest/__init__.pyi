# What gpuwatch uses of DMTF's redfish library, typed.
