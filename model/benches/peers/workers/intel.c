/* Preloaded, it answers for Intel's MKL whether this processor is Intel's: on others MKL then takes its fast path. */
int mkl_serv_intel_cpu_true(void) { return 1; }
