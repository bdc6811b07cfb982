/* Calls sgemm again and again, so that no interpreter stands between two products. */
typedef void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

void products(sgemm call, const int *form, const int *sizes, const int *lines, const float *a, const float *b, float *c,
              int heads, int count) {
    long m = sizes[0], n = sizes[1], k = sizes[2];
    for (int at = 0; at < count; at++)
        for (long head = 0; head < heads; head++)
            call(101, form[0], form[1], m, n, k, 1.0f, a + head * m * k, lines[0], b + head * k * n, lines[1], 0.0f,
                 c + head * m * n, n);
}
