//! Checkpoints both ways: bit for bit, in the places where Hugging Face has them, and refused by name (M-7.3 to M-7.6).

mod support;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use retrace_model::hub::{
    File, HubError, Tensors, export, import, read_config, write_config, write_tensors, write_weights,
};
use retrace_model::program::parameter_table;
use retrace_model::{Activation, Architecture, F32Bits, GptSpec, LlamaSpec, MlpSpec, ModelSpec, Words};
use support::Generator;

fn bits(number: f32) -> F32Bits {
    F32Bits(number.to_bits())
}

fn gpt(tied: bool) -> ModelSpec {
    ModelSpec {
        vocabulary: 256,
        context: 5,
        width: 6,
        layers: 2,
        hidden: 7,
        init_std: bits(0.02),
        dropout: bits(0.1),
        tied,
        architecture: Architecture::Gpt(GptSpec {
            heads: 2,
            activation: Activation::GeluErf,
            norm_epsilon: bits(1e-5),
        }),
    }
}

fn llama(tied: bool) -> ModelSpec {
    let own = LlamaSpec { heads: 4, key_value_heads: 2, rope_base: bits(10_000.0), norm_epsilon: bits(1e-6) };
    ModelSpec { width: 40, hidden: 35, architecture: Architecture::Llama(own), ..gpt(tied) }
}

fn mlp() -> ModelSpec {
    let activation = Activation::Relu;
    ModelSpec { architecture: Architecture::Mlp(MlpSpec { activation }), ..gpt(false) }
}

fn models() -> [ModelSpec; 5] {
    [gpt(true), gpt(false), llama(true), llama(false), mlp()]
}

/// Finite words, zeros of both signs and subnormals among them.
fn parameters(model: &ModelSpec) -> Vec<Words> {
    let mut draw = Generator(7);
    let word = |draw: &mut Generator| {
        let word = draw.word();
        if word & 0x7F80_0000 == 0x7F80_0000 { 0x8000_0000 } else { word }
    };
    let table = parameter_table(model);
    table.iter().map(|shape| (0..shape.elements()).map(|_| word(&mut draw)).collect()).collect()
}

fn file<'a>(files: &'a [File], name: &str) -> &'a [u8] {
    &files.iter().find(|file| file.name == name).expect(name).bytes
}

type Table = Vec<(String, Vec<u64>, Words)>;

/// The tensors of a checkpoint, in the file's order of names, ready to be damaged.
fn tensors(model: &ModelSpec) -> Table {
    let bytes = write_weights(model, &parameters(model)).expect("writable");
    let read = Tensors::read(&bytes).expect("readable");
    let owned =
        read.iter().map(|(name, t)| (name.to_owned(), t.shape.clone(), t.words(name).expect("finite")));
    owned.collect()
}

fn import_of(model: &ModelSpec, table: &Table) -> Result<Vec<Words>, HubError> {
    let bytes = write_tensors(table).expect("well formed");
    import(write_config(model).as_bytes(), &[&bytes]).map(|(_, parameters)| parameters)
}

/// M-7.3, M-7.4: what is exported comes back bit for bit, and equal models are equal files.
#[test]
fn every_architecture_comes_back() {
    for model in models() {
        let parameters = parameters(&model);
        let files = export(&model, &parameters, &[]).expect("exported");
        assert_eq!(files, export(&model, &parameters, &[]).expect("exported"));
        let (read, back) =
            import(file(&files, "config.json"), &[file(&files, "model.safetensors")]).expect("imported");
        assert_eq!(read, model);
        assert!(back == parameters, "{model:?}");
        assert!(write_weights(&read, &back).expect("writable") == file(&files, "model.safetensors"));
    }
}

fn shape_of(table: &Table, name: &str) -> Vec<u64> {
    table.iter().find(|(found, ..)| found == name).unwrap_or_else(|| panic!("no {name}")).1.clone()
}

/// M-7.3: GPT-2's names, shapes, and query, key and value side by side.
#[test]
fn gpt2_is_where_transformers_has_it() {
    let model = gpt(true);
    let (table, ours) = (tensors(&model), parameters(&model));
    assert_eq!(table.len(), 4 + 12 * 2);
    assert_eq!(shape_of(&table, "transformer.wte.weight"), [256, 6]);
    assert_eq!(shape_of(&table, "transformer.wpe.weight"), [5, 6]);
    assert_eq!(shape_of(&table, "transformer.h.1.attn.c_attn.bias"), [18]);
    assert_eq!(shape_of(&table, "transformer.h.1.attn.c_proj.weight"), [6, 6]);
    assert_eq!(shape_of(&table, "transformer.h.1.mlp.c_fc.weight"), [6, 7]);
    assert_eq!(shape_of(&table, "transformer.h.1.mlp.c_proj.weight"), [7, 6]);
    assert_eq!(shape_of(&table, "transformer.ln_f.bias"), [6]);
    assert_eq!(shape_of(&tensors(&gpt(false)), "lm_head.weight"), [256, 6]);
    let names = parameter_table(&model);
    let mine = |name: &str| &ours[names.iter().position(|shape| shape.name == name).expect(name)];
    let (_, shape, joined) =
        table.iter().find(|(name, ..)| name == "transformer.h.1.attn.c_attn.weight").expect("c_attn");
    assert_eq!(shape, &[6, 18]);
    for (part, name) in ["query", "key", "value"].iter().enumerate() {
        let own = mine(&format!("h.1.attn.{name}.weight"));
        for (row, column) in (0..6).flat_map(|row| (0..6).map(move |column| (row, column))) {
            assert_eq!(joined[row * 18 + part * 6 + column], own[row * 6 + column]);
        }
    }
}

/// M-7.4: Llama's names and shapes, and its linear layers with outputs along rows.
#[test]
fn llama_is_where_transformers_has_it() {
    let model = llama(false);
    let (table, ours) = (tensors(&model), parameters(&model));
    assert_eq!(table.len(), 3 + 9 * 2);
    assert_eq!(shape_of(&table, "model.embed_tokens.weight"), [256, 40]);
    assert_eq!(shape_of(&table, "lm_head.weight"), [256, 40]);
    assert_eq!(shape_of(&table, "model.norm.weight"), [40]);
    assert_eq!(shape_of(&table, "model.layers.0.post_attention_layernorm.weight"), [40]);
    assert_eq!(shape_of(&table, "model.layers.0.self_attn.v_proj.weight"), [20, 40]);
    assert_eq!(shape_of(&table, "model.layers.0.self_attn.o_proj.weight"), [40, 40]);
    assert_eq!(shape_of(&table, "model.layers.0.mlp.up_proj.weight"), [35, 40]);
    let (_, shape, down) =
        table.iter().find(|(name, ..)| name == "model.layers.1.mlp.down_proj.weight").expect("down");
    assert_eq!(shape, &[40, 35]);
    let at = parameter_table(&model)
        .iter()
        .position(|shape| shape.name == "layers.1.mlp.down_proj.weight")
        .expect("down");
    for (row, column) in (0..35).flat_map(|row| (0..40).map(move |column| (row, column))) {
        assert_eq!(down[column * 35 + row], ours[at][row * 40 + column]);
    }
}

/// M-7.3, M-7.4: bare models, buffers, a tied head that is written all the same, and shards are read.
#[test]
fn older_files_are_read() {
    for (model, prefix, buffer, head) in [
        (gpt(true), "transformer.", "h.0.attn.bias", "transformer.wte.weight"),
        (llama(true), "model.", "layers.0.self_attn.rotary_emb.inv_freq", "model.embed_tokens.weight"),
    ] {
        let (whole, ours) = (tensors(&model), parameters(&model));
        let mut table = whole.clone();
        table.push((format!("{prefix}{buffer}"), vec![2], vec![0, 0x7F80_0000]));
        let embedding = table.iter().find(|(name, ..)| name == head).expect(head).clone();
        table.push(("lm_head.weight".to_owned(), embedding.1, embedding.2));
        assert_eq!(import_of(&model, &table).as_ref(), Ok(&ours));
        table.last_mut().expect("the head").2[3] ^= 1;
        assert_eq!(import_of(&model, &table), Err(HubError::TiedHead { name: "lm_head.weight".into() }));
        let bare: Table =
            whole.iter().map(|(n, s, w)| (n.replace(prefix, ""), s.clone(), w.clone())).collect();
        assert_eq!(import_of(&model, &bare).as_ref(), Ok(&ours));
        let (left, right) = whole.split_at(5);
        let shards = [left, right].map(|shard| write_tensors(shard).expect("well formed"));
        let config = write_config(&model);
        assert_eq!(import(config.as_bytes(), &[&shards[1], &shards[0]]), Ok((model, ours)));
        let twice = import(config.as_bytes(), &[&shards[0], &shards[1], &shards[0]]);
        assert!(matches!(twice, Err(HubError::Duplicate { .. })), "{twice:?}");
    }
}

/// M-7.3, M-7.4: each tensor of each architecture is asked for, with its shape, and nothing else is taken.
#[test]
fn damaged_checkpoints_are_named() {
    for model in models() {
        let whole = tensors(&model);
        for at in 0..whole.len() {
            let name = whole[at].0.clone();
            let mut table = whole.clone();
            table.remove(at);
            assert_eq!(import_of(&model, &table), Err(HubError::Missing { name: name.clone() }));
            let mut table = whole.clone();
            table[at].1.push(1);
            let (expected, found) = (whole[at].1.clone(), table[at].1.clone());
            assert_eq!(
                import_of(&model, &table),
                Err(HubError::Shape { name: name.clone(), expected, found })
            );
            let mut table = whole.clone();
            *table[at].2.last_mut().expect("an element") = 0x7FC0_0000;
            let element = table[at].2.len() as u64 - 1;
            assert_eq!(import_of(&model, &table), Err(HubError::NotFinite { name, element }));
        }
        for stranger in
            ["score.weight", "transformer.h.2.ln_1.weight", "model.layers.2.mlp.up_proj.weight", ""]
        {
            let mut table = whole.clone();
            table.push((stranger.to_owned(), vec![], vec![0]));
            assert_eq!(import_of(&model, &table), Err(HubError::Unexpected { name: stranger.into() }));
        }
    }
    // A transposed matrix that is square cannot be told; one that is not has the wrong shape.
    let mut parameters = parameters(&gpt(true));
    parameters.pop();
    let few = HubError::Parameters { expected: parameters.len() + 1, found: parameters.len() };
    assert_eq!(write_weights(&gpt(true), &parameters), Err(few));
    parameters.push(vec![0; 5]);
    let short = HubError::ParameterLength { name: "ln_f.bias".into(), expected: 6, found: 5 };
    assert_eq!(write_weights(&gpt(true), &parameters), Err(short));
}

/// M-7.6: a model over bytes gets a tokenizer; one that came with its own keeps it to the byte.
#[test]
fn tokenizers_travel() {
    let names = |files: &[File]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
    let model = gpt(true);
    let own = export(&model, &parameters(&model), &[]).expect("exported");
    assert_eq!(names(&own), ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]);
    let theirs = [File { name: "tokenizer.json".into(), bytes: vec![0xFF, 0] }];
    let kept = export(&model, &parameters(&model), &theirs).expect("exported");
    assert_eq!((names(&kept).len(), &kept[2]), (3, &theirs[0]));
    let large = ModelSpec { vocabulary: 300, ..model };
    assert_eq!(export(&large, &parameters(&large), &[]).expect("exported").len(), 2);
}

/// What a configuration that came with these members comes out as.
fn kept(model: &ModelSpec, members: &[(&str, &str)]) -> serde_json::Value {
    let mut config: serde_json::Value = serde_json::from_str(&write_config(model)).expect("JSON");
    let map = config.as_object_mut().expect("an object");
    for own in ["bos_token_id", "eos_token_id"] {
        map.remove(own);
    }
    for (field, value) in members {
        map.insert((*field).to_owned(), serde_json::from_str(value).expect(value));
    }
    assert_eq!(read_config(config.to_string().as_bytes()), Ok(*model), "{members:?}");
    let imported = File { name: "config.json".into(), bytes: config.to_string().into_bytes() };
    let files = export(model, &parameters(model), &[imported]).expect("exported");
    assert_eq!(files.iter().filter(|file| file.name == "config.json").count(), 1);
    assert_eq!(files.len(), 4, "a model over bytes without tokenizer files gets some");
    assert_eq!(read_config(file(&files, "config.json")), Ok(*model));
    serde_json::from_slice(file(&files, "config.json")).expect("JSON")
}

/// M-7.6: special tokens come out as they came in: a number, a list, null, or left to `transformers`' defaults.
#[test]
fn special_tokens_travel() {
    for model in [gpt(true), llama(false)] {
        let all = [
            ("bos_token_id", "1"),
            ("eos_token_id", "[2, 255, 0]"),
            ("pad_token_id", "0"),
            ("tokenizer_class", "\"LlamaTokenizerFast\""),
        ];
        let config = kept(&model, &all);
        for (field, value) in all {
            assert_eq!(config[field], serde_json::from_str::<serde_json::Value>(value).expect(value));
        }
        let config =
            kept(&model, &[("bos_token_id", "null"), ("eos_token_id", "255"), ("pad_token_id", "-1")]);
        assert_eq!(config.get("bos_token_id"), Some(&serde_json::Value::Null));
        assert_eq!(config.get("eos_token_id"), Some(&255.into()));
        assert_eq!(config.get("pad_token_id"), Some(&serde_json::Value::Null));
        let config = kept(&model, &[]);
        for (field, _) in all {
            assert_eq!(config.get(field), None, "{field}: nothing was said of it");
        }
        // A model that nobody brought along has none, and says so.
        let own: serde_json::Value = serde_json::from_str(&write_config(&model)).expect("JSON");
        assert!(own["bos_token_id"].is_null() && own.get("eos_token_id").is_some_and(|id| id.is_null()));
    }
}

/// M-7.6: ids that the vocabulary does not have and names that are none are refused when the model is read.
#[test]
fn special_tokens_that_are_wrong() {
    let long = format!("[{}0]", "0,".repeat(64));
    let cases = [
        ("bos_token_id", &["-1", "256", "4294967296", "1.5", "\"1\"", "[1]", "true", "{}"][..]),
        ("eos_token_id", &["-1", "256", "[]", "[0, 256]", "[0, -1]", "[[0]]", "[null]", "\"</s>\"", &long]),
        ("pad_token_id", &["-2", "256", "[0]", "1e300"]),
        ("tokenizer_class", &["1", "\"\"", "\"a.b\"", "\"a/b\"", "[]"]),
    ];
    for (field, values) in cases {
        for value in values {
            let refused = config_with(&gpt(true), field, value);
            let named =
                matches!(&refused, Err(HubError::Unsupported { field: found, .. }) if *found == field);
            assert!(named, "{field} {value}: {refused:?}");
        }
    }
    // An MLP's file keeps none of them, so nothing is wrong with any.
    assert_eq!(config_with(&mlp(), "eos_token_id", "100000"), Ok(mlp()));
    // Another model's configuration: ids are measured against the model that is written.
    let large = write_config(&ModelSpec { vocabulary: 300, ..gpt(true) });
    let large = large.replace("\"eos_token_id\": null", "\"eos_token_id\": 299");
    assert!(read_config(large.as_bytes()).is_ok());
    let imported = File { name: "config.json".into(), bytes: large.into_bytes() };
    let refused = export(&gpt(true), &parameters(&gpt(true)), &[imported]);
    assert!(matches!(refused, Err(HubError::Unsupported { field: "eos_token_id", .. })), "{refused:?}");
}

/// The configuration of a model with one member replaced; `null` where it is taken away.
fn config_with(model: &ModelSpec, field: &str, value: &str) -> Result<ModelSpec, HubError> {
    let mut config: serde_json::Value = serde_json::from_str(&write_config(model)).expect("JSON");
    config[field] = serde_json::from_str(value).expect(value);
    read_config(config.to_string().as_bytes())
}

/// M-7.5: what a configuration asks for and this engine does not have is refused, and named.
#[test]
fn configurations_that_are_not_supported() {
    let cases = [
        (gpt(true), "scale_attn_weights", "false"),
        (gpt(true), "scale_attn_by_inverse_layer_idx", "true"),
        (gpt(true), "reorder_and_upcast_attn", "true"),
        (gpt(true), "add_cross_attention", "true"),
        (gpt(true), "activation_function", "\"tanh\""),
        (gpt(true), "embd_pdrop", "0.2"),
        (gpt(true), "attn_pdrop", "0"),
        (gpt(true), "model_type", "\"mistral\""),
        (llama(true), "attention_bias", "true"),
        (llama(true), "mlp_bias", "true"),
        (llama(true), "hidden_act", "\"gelu\""),
        (llama(true), "head_dim", "12"),
        (llama(true), "attention_dropout", "0.1"),
        (llama(true), "pretraining_tp", "2"),
        (llama(true), "partial_rotary_factor", "0.5"),
        (mlp(), "activation", "\"tanh\""),
    ];
    for (model, field, value) in cases {
        let refused = config_with(&model, field, value);
        let named = matches!(&refused, Err(HubError::Unsupported { field: found, .. }) if *found == field);
        assert!(named, "{field} {value}: {refused:?}");
    }
    for rope in
        [r#"{"rope_type":"llama3","factor":8.0}"#, r#"{"type":"linear","factor":2}"#, r#"{"factor":2.0}"#]
    {
        for field in ["rope_scaling", "rope_parameters"] {
            let refused = config_with(&llama(true), field, rope);
            assert!(matches!(refused, Err(HubError::Unsupported { .. })), "{field} {rope}: {refused:?}");
        }
    }
}

/// M-7.5: members that are missing, of another type or outside the limits.
#[test]
fn configurations_that_are_wrong() {
    let required = [
        (gpt(true), &["model_type", "vocab_size", "n_positions", "n_embd", "n_layer", "n_head"][..]),
        (
            llama(true),
            &["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"],
        ),
        (mlp(), &["context", "width", "layers", "hidden", "activation"]),
    ];
    for (model, fields) in required {
        for field in fields {
            assert_eq!(config_with(&model, field, "null"), Err(HubError::FieldMissing { field }));
        }
        for value in ["-1", "1.5", "4294967296", "\"8\"", "[]", "true"] {
            let refused = config_with(&model, "vocab_size", value);
            assert!(matches!(refused, Err(HubError::FieldType { field: "vocab_size", .. })), "{refused:?}");
        }
        for value in ["0", "1", "4294967295"] {
            assert!(matches!(config_with(&model, "vocab_size", value), Err(HubError::Spec(_))), "{value}");
        }
        for value in ["1", "\"yes\""] {
            let refused = config_with(&model, "tie_word_embeddings", value);
            assert!(matches!(refused, Err(HubError::FieldType { .. })), "{refused:?}");
        }
        for value in ["-0.1", "1e39", "-1e-60"] {
            assert!(
                matches!(config_with(&model, "initializer_range", value), Err(HubError::Spec(_))),
                "{value}"
            );
        }
    }
    assert!(matches!(config_with(&llama(true), "num_key_value_heads", "3"), Err(HubError::Spec(_))));
    assert!(matches!(
        config_with(&llama(true), "num_attention_heads", "0"),
        Err(HubError::Unsupported { .. })
    ));
    assert!(matches!(config_with(&gpt(true), "n_head", "0"), Err(HubError::Spec(_))));
    assert!(matches!(config_with(&mlp(), "tie_word_embeddings", "true"), Err(HubError::Spec(_))));
    let deep = "[".repeat(100_000);
    for text in ["", "{", "[]", "1", "{}{}", "{\"a\":", &deep] {
        assert!(matches!(read_config(text.as_bytes()), Err(HubError::Text { .. })), "{text:.20}");
    }
    assert!(matches!(read_config(&vec![b' '; (1 << 20) + 1]), Err(HubError::TextTooLong { .. })));
}

/// M-7.5: defaults are those of `transformers`, and older spellings are read.
#[test]
fn defaults_and_older_spellings() {
    let small = r#"{"model_type":"gpt2","vocab_size":256,"n_positions":5,"n_embd":6,"n_layer":2,"n_head":2,"n_ctx":5}"#;
    let own = GptSpec { heads: 2, activation: Activation::GeluTanh, norm_epsilon: bits(1e-5) };
    let expected = ModelSpec { hidden: 24, architecture: Architecture::Gpt(own), ..gpt(true) };
    assert_eq!(read_config(small.as_bytes()), Ok(expected));
    let old = r#"{"model_type":"llama","vocab_size":256,"max_position_embeddings":5,"hidden_size":40,
        "intermediate_size":35,"num_hidden_layers":2,"num_attention_heads":4,"rope_scaling":null,"rope_theta":5000}"#;
    let own = LlamaSpec { heads: 4, key_value_heads: 4, rope_base: bits(5000.0), norm_epsilon: bits(1e-6) };
    let expected = ModelSpec { dropout: bits(0.0), architecture: Architecture::Llama(own), ..llama(false) };
    assert_eq!(read_config(old.as_bytes()), Ok(expected));
    let newer =
        config_with(&llama(false), "rope_parameters", r#"{"rope_theta":7000.0,"rope_type":"default"}"#);
    let Ok(ModelSpec { architecture: Architecture::Llama(own), .. }) = newer else { panic!("{newer:?}") };
    assert_eq!(own.rope_base, bits(7000.0));
}

proptest! {
    /// M-7.5: a rate is written in digits that name exactly it.
    #[test]
    fn rates_come_back(word in 0..0x7F80_0000u32) {
        let model = ModelSpec { init_std: F32Bits(word), ..gpt(true) };
        prop_assert_eq!(read_config(write_config(&model).as_bytes()), Ok(model));
    }

    /// M-7.1 to M-7.5: a checkpoint with one byte changed is read or refused, never a panic; what is read is finite.
    #[test]
    fn any_damage(which in 0..5usize, at in any::<usize>(), byte in any::<u8>()) {
        let model = models()[which];
        let mut bytes = write_weights(&model, &parameters(&model)).expect("writable");
        // Two in three changes hit the header.
        let header = 8 + u64::from_le_bytes(*bytes.first_chunk().expect("a length")) as usize;
        let within = if at % 3 == 0 { bytes.len() } else { header };
        bytes[at / 3 % within] = byte;
        if let Ok((read, parameters)) = import(write_config(&model).as_bytes(), &[&bytes]) {
            prop_assert_eq!(read, model);
            prop_assert!(parameters.iter().flatten().all(|word| f32::from_bits(*word).is_finite()));
        }
    }

    /// M-7.5: any text is read or refused.
    #[test]
    fn any_configuration(text in any::<Vec<u8>>()) {
        let _ = read_config(&text);
    }
}
