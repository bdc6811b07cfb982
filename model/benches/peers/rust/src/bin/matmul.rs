//! The side of two Rust libraries in a matrix product: `matmul gemm|faer THREADS`.
//!
//! Reads `product FORM M N K COUNT HEADS` lines and answers each with `{"seconds": ...}` for one time, the mean of COUNT
//! after a few untimed ones.

use std::io::{BufRead, Write};
use std::time::Instant;

use faer::{Accum, MatMut, MatRef, Par};

/// Operands of several products as stored, with strides that read each as m x k and k x n.
struct Product {
    sizes: [usize; 3],
    heads: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    a_strides: [isize; 2],
    b_strides: [isize; 2],
}

impl Product {
    fn new(form: &str, sizes: [usize; 3], heads: usize) -> Product {
        let [m, n, k] = sizes;
        let a_strides = if form == "TN" { [1, m as isize] } else { [k as isize, 1] };
        let b_strides = if form == "NT" { [1, k as isize] } else { [n as isize, 1] };
        let (a, b, c) = (numbers(heads * m * k), numbers(heads * k * n), vec![0.0; heads * m * n]);
        Product { sizes, heads, a, b, c, a_strides, b_strides }
    }

    /// Where the operands and the output of a head lie.
    fn places(&mut self, head: usize) -> (&[f32], &[f32], &mut [f32]) {
        let [m, n, k] = self.sizes;
        let (a, b) = (&self.a[head * m * k..][..m * k], &self.b[head * k * n..][..k * n]);
        (a, b, &mut self.c[head * m * n..][..m * n])
    }

    fn by_gemm(&mut self, head: usize, threads: usize) {
        let ([m, n, k], [a_row, a_column], [b_row, b_column]) = (self.sizes, self.a_strides, self.b_strides);
        let parallel = if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
        let (a, b, c) = self.places(head);
        let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
        // SAFETY: the slices hold exactly the elements that sizes and strides reach, and do not overlap.
        unsafe {
            gemm::gemm(
                m, n, k, c, 1, n as isize, false, a, a_column, a_row, b, b_column, b_row,
                0.0, 1.0, false, false, false, parallel,
            );
        }
    }

    fn by_faer(&mut self, head: usize, threads: usize) {
        let ([m, n, k], [a_row, a_column], [b_row, b_column]) = (self.sizes, self.a_strides, self.b_strides);
        let parallel = if threads == 1 { Par::Seq } else { Par::rayon(threads) };
        let (a, b, c) = self.places(head);
        // SAFETY: the slices hold exactly the elements that sizes and strides reach, and do not overlap.
        let (a, b, c) = unsafe {
            (
                MatRef::from_raw_parts(a.as_ptr(), m, k, a_row, a_column),
                MatRef::from_raw_parts(b.as_ptr(), k, n, b_row, b_column),
                MatMut::from_raw_parts_mut(c.as_mut_ptr(), m, n, n as isize, 1),
            )
        };
        faer::linalg::matmul::matmul(c, Accum::Replace, a, b, 1.0, parallel);
    }

    fn run(&mut self, library: &str, threads: usize, count: usize) -> f64 {
        let start = Instant::now();
        for _ in 0..count {
            for head in 0..self.heads {
                match library {
                    "gemm" => self.by_gemm(head, threads),
                    _ => self.by_faer(head, threads),
                }
            }
            std::hint::black_box(&self.c);
        }
        start.elapsed().as_secs_f64()
    }
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, library, threads] = &arguments[..] else { panic!("usage: matmul gemm|faer THREADS") };
    let threads: usize = threads.parse().expect("THREADS is a number");
    // Both libraries draw on rayon's global pool.
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("the pool is made once");
    let (mut key, mut product) = (String::new(), Product::new("NN", [1, 1, 1], 1));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the driver writes text");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, form, m, n, k, count, heads] = words[..] else {
            panic!("product FORM M N K COUNT HEADS, not `{line}`")
        };
        let size = |word: &str| word.parse::<usize>().expect("a size is a number");
        if key != line {
            product = Product::new(form, [size(m), size(n), size(k)], size(heads));
            product.run(library, threads, 1);
            key.clone_from(&line);
        }
        let count = size(count);
        product.run(library, threads, count / 4);
        println!("{{\"seconds\": {:e}}}", product.run(library, threads, count) / count as f64);
        std::io::stdout().flush().expect("the driver reads");
    }
}
