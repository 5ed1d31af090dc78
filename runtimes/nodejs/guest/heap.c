/* Memory after the start: what a function allocates lies close together, and what it only refers to isn't written.
 *
 * An instance pays a page fault for every page that it is the first to write, a reset copies each of them back, and an idle
 * instance keeps them. Left alone, the engine puts a function's objects into the holes that the start of the interpreter left
 * all over its heap, and writes a reference count into every object of Node's library that the function comes across. So when
 * the interpreter has started, its heap is settled:
 *
 *   - What was allocated until then (below settled_end) lives for ever: thaw.c redefines the macro that gives access to a
 *     reference count, and the mark of the cycle collector with it, such that for these objects it is one counter that they
 *     all share, too large to ever reach 1 or 0. To the collector they are roots.
 *   - Nothing is allocated below settled_end any more: the holes are taken out of use, arenas included, and what becomes free
 *     there stays free. Else a new object would share the counter.
 *   - Each size class of the engine's arenas gets a small arena in one region above, sized for a small function. */

/* Blocks of each size class in the region, a half more than RESTORE, LOAD and INVOKE of a small function use. */
static const uint8_t settled_blocks[JS_ARENA_BLOCK_SIZE_COUNT] = {
    128, 32, 44, 32, 56, 12, 12, 8, 16, 6, 6, 4, 4, 2, 4,
    4, 3, 2, 4, 2, 2, 1, 1,
    1, 1, 2, 1, 1, 1, 1, 1,
};

/* An arena in the region. One more block than there are counts as used: it is never empty, so never handed to free(). */
static void settled_arena(uint8_t *at, int idx, int blocks) {
    JSArena *a = (JSArena *)at;
    init_list_head(&a->link);
    a->block_size_idx = idx;
    a->n_blocks = blocks + 1;
    a->n_used_blocks = 1;
    a->first_free_block = 0;
    for (int i = 0; i < blocks; i++) {
        JSMallocBlockHeader *b = arena_get_block(a, i, arena_block_sizes[idx]);
        b->u.free_next = i + 1 < blocks ? i + 1 : JS_ARENA_FREE_NIL;
        b->block_size_idx = idx;
    }
    list_add(&a->free_link, &rt->arena_state.free_arena_list[idx]);
}

static int settled(const void *p) { return (const uint8_t *)p < settled_end; }

/* The engine's source of memory from now on. A chunk below settled_end that libc finds all the same is kept from others. */
static void *settled_malloc(void *opaque, size_t size) {
    void *p;
    do p = malloc(size); while (p && settled(p));
    return p;
}

static void *settled_calloc(void *opaque, size_t count, size_t size) {
    void *p;
    do p = calloc(count, size); while (p && settled(p));
    return p;
}

static void settled_free(void *opaque, void *p) {
    if (!settled(p)) free(p);
}

static void *settled_realloc(void *opaque, void *p, size_t size) {
    size_t old = malloc_usable_size(p);
    void *moved = settled(p) ? NULL : realloc(p, size);
    if (moved && !settled(moved)) return moved;
    if (!moved && !settled(p)) return NULL;
    void *fresh = settled_malloc(opaque, size);
    if (fresh) memcpy(fresh, moved ? moved : p, old < size ? old : size);
    return fresh;
}

/* Zeroes what isn't zero of a piece of memory, page by page. */
static void clear_pages(uintptr_t at, uintptr_t end) {
    for (at = (at + 7) & ~(uintptr_t)7; at < end;) {
        uintptr_t next = (at | 4095) + 1 < end ? (at | 4095) + 1 : end;
        uint64_t *words = (uint64_t *)at, any = 0;
        size_t n = (next - at) / 8;
        for (size_t i = 0; i < n; i++) any |= words[i];
        if (any) memset(words, 0, n * 8);
        at = next;
    }
}

/* What lies below the stack pointer, and behind the last allocation, is of no use to anybody. As zeros it is no part of a
 * snapshot, and an idle instance doesn't have to keep it. */
static __attribute__((noinline)) void clear_unused(void) {
    volatile char here = 0;
    clear_pages(4096, (uintptr_t)&here - 256);
    const size_t n = 192 << 10; /* what heap_settle went over */
    uint8_t *top = malloc(n);
    if (top && !settled(top)) clear_pages((uintptr_t)top + 16, (uintptr_t)top + n);
    free(top);
}

static void heap_settle(void) {
    JSArenaState *s = &rt->arena_state;
    struct list_head *el, *next;
    for (int i = 0; i < JS_ARENA_BLOCK_SIZE_COUNT; i++) {
        /* Out of the list that allocations are served from; and, with two blocks more than there are, one of them used, never
         * full, which would bring an arena back when a block is freed, and never empty. */
        list_for_each_safe(el, next, &s->free_arena_list[i]) init_list_head(el);
        init_list_head(&s->free_arena_list[i]);
        list_for_each(el, &s->arena_list[i]) {
            JSArena *a = list_entry(el, JSArena, link);
            a->n_used_blocks++;
            a->n_blocks += 2;
        }
    }
    /* libc's holes: what fits into one lies below a chunk that needs new memory. */
    uint8_t *top = malloc(1 << 17), *p;
    if (!top) return;
    for (size_t n = 1 << 16; n >= 16; n /= 2) {
        while ((p = malloc(n)) && p < top) {}
        free(p);
    }
    free(top);
    size_t size = 0;
    for (int i = 0; i < JS_ARENA_BLOCK_SIZE_COUNT; i++) size += sizeof(JSArena) + settled_blocks[i] * arena_block_sizes[i];
    uint8_t *at = aligned_alloc(4096, (size + 4095) & ~4095);
    if (!at) return;
    settled_end = at;
    ((JSMallocBlockHeader *)settled_header)->ref_count = 1 << 30;
    rt->mf.js_malloc = settled_malloc;
    rt->mf.js_calloc = settled_calloc;
    rt->mf.js_free = settled_free;
    rt->mf.js_realloc = settled_realloc;
    for (int i = 0; i < JS_ARENA_BLOCK_SIZE_COUNT; i++) {
        settled_arena(at, i, settled_blocks[i]);
        at += sizeof(JSArena) + settled_blocks[i] * arena_block_sizes[i];
    }
}
