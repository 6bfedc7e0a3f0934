/* fastframe_api.h: fastframe for other extension modules, in C or Cython.
 *
 * Strategy
 *   One table of functions, which `ff_import` takes out of the installed fastframe. There is
 *   nothing to link with. The table only ever grows at its end, so a module that was compiled with
 *   an older fastframe.h runs with any newer fastframe of the same FF_ABI; with an older one, whose
 *   table is too short, ff_import says so.
 *
 *       static const ff_api *ff;
 *       PyMODINIT_FUNC PyInit_mine(void) { if ((ff = ff_import()) == NULL) return NULL; ... }
 *
 *   Types, constants and contracts are those of fastframe.h. The table is one for the process, and
 *   may be used by all interpreters that have called ff_import. Compile with
 *   -I$(python -c "import fastframe; print(fastframe.get_include())").
 */
#ifndef FASTFRAME_API_H
#define FASTFRAME_API_H

#include <Python.h>

#include "fastframe.h"

#define FF_ABI 1 /* another number if a field changes its meaning */

/* What a peer has sent in one message or control frame. */
typedef struct ff_payload {
    const uint8_t *
        /* unmasked, inflated, valid UTF-8 if it is text; the decoder's memory, until the next
         * call for that decoder */
        data;
    size_t length;
    uint8_t
        /* FF_OPCODE_TEXT, _BINARY, _PING, _PONG, or _CLOSE, whose payload close_parse reads */
        opcode;
} ff_payload;

typedef struct ff_api {
    uint32_t abi;
    uint32_t size; /* of the whole table, in bytes */

    /* ---- no Python: any thread may call these, also without the GIL ---- */

    const ff_kernels *(*kernels)(void); /* mask, validate, decode and encode text: see ff_kernels */
    const char *(*status_text)(ff_status status);
    uint16_t (*status_close_code)(ff_status status);
    ff_status (*header_parse)(const uint8_t *data, size_t length, ff_header *header);
    ff_status (*header_check)(const ff_header *header, ff_role receiver, uint8_t rsv_allowed);
    bool (*header_of_whole_message)(const uint8_t *data, size_t length, ff_role receiver,
                                    ff_header *header);
    ff_status (*header_write)(ff_header *header, uint8_t *out);
    size_t (*utf8_cut)(const uint8_t *data, size_t length);
    bool (*close_code_is_valid)(uint32_t code);
    ff_status (*close_parse)(const ff_kernels *kernels, const uint8_t *payload, size_t length,
                             uint16_t *code);

    /* ---- Decoder and Encoder: with the GIL, or an attached thread. Each checks the type of its
     * object, and calls no method that a subclass may have in place of the original ---- */

    /* decoder.feed(data): 0, or -1 with an exception. `bytes` are kept until they are parsed,
     * everything else is copied. */
    int (*decoder_feed)(PyObject *decoder, PyObject *data);

    /* The same for memory, which is copied. */
    int (*decoder_feed_memory)(PyObject *decoder, const uint8_t *data, size_t length);

    /* The next message, a new reference: str, bytes, Text, Ping, Pong or Close. NULL without an
     * exception if more bytes are needed. */
    PyObject *(*decoder_next)(PyObject *decoder);

    /* encoder.message(data): a frame, a new reference to bytes; NULL with an exception. */
    PyObject *(*encoder_message)(PyObject *encoder, PyObject *data);

    /* The next message as decoder_next has it, but without an object: 1 and its payload, 0 if more
     * bytes are needed, -1 with an exception. Nobody else may use the decoder while the payload is
     * looked at. With decode_text=False no str is made on any way. */
    int (*decoder_next_payload)(PyObject *decoder, ff_payload *payload);
} ff_api;

/* The table. NULL with an exception if fastframe is not installed, or is too old. */
static inline const ff_api *ff_import(void)
{
    PyObject *module = PyImport_ImportModule("fastframe._api");
    if (module == NULL)
        return NULL;
    const ff_api *api = (const ff_api *)PyCapsule_Import("fastframe._api.table", 0);
    Py_DECREF(module);
    if (api != NULL && (api->abi != FF_ABI || api->size < sizeof(ff_api))) {
        PyErr_Format(PyExc_ImportError,
                     "this module was compiled for ABI %d of fastframe with a table of %zu bytes, "
                     "and the installed fastframe has ABI %u "
                     "with %u bytes: %s",
                     FF_ABI, sizeof(ff_api), (unsigned)api->abi, (unsigned)api->size,
                     api->abi == FF_ABI ? "install a newer fastframe" : "compile the module again");
        return NULL;
    }
    return api;
}

#endif
