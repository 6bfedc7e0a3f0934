from fastframe._codec.capi cimport ff_kernels


# The table of kernels in use. There is one table for the whole process, and it lives in this
# module.
cdef const ff_kernels *kernels() noexcept nogil
