/* heap_faults.h: the n-th allocation of the whole process fails, whoever asks for it:
 * malloc and its kin, mmap, mremap, a thread's stack. What is held is counted. */
#ifndef LI_TESTS_HEAP_FAULTS_H
#define LI_TESTS_HEAP_FAULTS_H

#include <stdint.h>

/* From here on `left` allocations succeed, then one fails, then all succeed; negative:
 * none fails. */
void heap_faults_arm(long long left);
/* None fails any more; has one? */
int heap_faults_disarm(void);
/* Bytes held now that were asked for by code in the ranges; without ranges: by any. */
long long heap_faults_live(void);
/* A moment, and the library that asked for a block that was taken after it and is still
 * held; NULL: there is none. */
long long heap_faults_now(void);
const char *heap_faults_holder(long long since);
/* Who asked for what was refused: "libaom.so.3 in avifEncoderAddImage": a library, and
 * the function of one through which our code came to it; "allocations": our code
 * itself; "python3.11 for PyCell_New under _core…": the interpreter, in a call of ours.
 * "": nothing was refused. */
const char *heap_faults_refused(void);
/* Count what is asked for by code from `low` up to `high`. Blocks of before stay
 * uncounted, so call it first. */
void heap_faults_count(uintptr_t low, uintptr_t high);
/* On a deadly signal say where, as "signal 6 in libavif.so.15, refused …; the stack",
 * into `text`, of `size` bytes, or to standard error if it is NULL; then die by it. */
void heap_faults_explain(char *text, unsigned long size);

#endif
