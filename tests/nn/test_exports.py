"""Models in other libraries predict what they predict here, with scaling and names of classes, and the reverse."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from exported_models import MODELS, TABLES, trained

import chainrule as cr
from chainrule.nn import MLP, Module, Neuron, Sequential
from chainrule.nn.exports import onnx_model, pytorch
from chainrule.nn.exports.stages import folded, stages

RNG = np.random.default_rng(0)
UNARY = sorted(name for name, op in cr.OPS.items() if op.arity == 1)
# Sums in another order: a few units in the last place of the terms, of which there are a dozen, of size 1 to 100.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def raw(rows=7, columns=3):
    return RNG.normal(size=(rows, columns)) * 3


@pytest.fixture(params=TABLES)
def on_a_table(request, tmp_path):
    """A model that was trained on raw rows, those rows as it takes them, and the same as plain numbers."""
    made = TABLES[request.param](tmp_path)
    assert any(one.mean != 0.0 for one in made.model.preparation.columns if hasattr(one, "mean"))
    return made.model, made.rows, np.array(made.numbers)


# --- NumPy


def executed(text, X, folder, call="predict"):
    """What the file gives in a fresh interpreter that has NumPy and no chainrule."""
    (folder / "model.py").write_text(text, encoding="utf-8")
    np.save(folder / "X.npy", X)
    code = (
        f"import sys; sys.path.insert(0, '.'); import model, numpy as np; y = model.{call}(np.load('X.npy'))\n"
        "assert not [name for name in sys.modules if 'chainrule' in name]\nnp.save('y.npy', y)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "y.npy")


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_numpy_file_predicts_the_same_without_chainrule(make, tmp_path):
    model, X = make(), raw()
    text = cr.to_numpy_source(model, tmp_path / "model.py")
    assert (tmp_path / "model.py").read_text() == text and "chainrule" not in text.partition('"""\n')[2]
    wanted = model.predict(X)
    found = executed(text, X, tmp_path)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, **CLOSE)


@pytest.mark.parametrize("name", UNARY)
def test_the_numpy_file_knows_each_operation_of_one_argument(name, tmp_path):
    low, high = cr.OPS[name].intervals()[0]
    model = Neuron(1, activation=name, init=cr.init.uniform(1.0, 1.0))
    X = np.linspace(low, high, 9)[:, None]
    namespace = {}
    exec(cr.to_numpy_source(model), namespace)
    np.testing.assert_allclose(namespace["predict"](X), model.predict(X), **CLOSE)


def test_scaling_and_names_go_along_into_the_numpy_file(on_a_table, tmp_path):
    model, rows, numbers = on_a_table
    text = cr.to_numpy_source(model)
    np.testing.assert_allclose(executed(text, numbers, tmp_path), model.predict(rows), rtol=1e-10)
    if model.preparation.class_names:
        assert executed(text, numbers, tmp_path, "predict_class").tolist() == model.predict_class(rows).tolist()
    assert "Columns: " in text


def test_hostile_names_stay_text_in_the_numpy_file(tmp_path):
    evil = ['"""\nraise SystemExit(9)\n"""', "'); raise SystemExit(9) #"]
    text = "{},{},y\n1,2,a\n2,1,b\n3,5,a\n".format(*('"' + name.replace('"', '""') + '"' for name in evil))
    text = text.replace(",a\n", ',"\'] + [exit(9)] #"\n')
    model, _ = trained(tmp_path, text, "y", 2)
    found = executed(cr.to_numpy_source(model), [[1.0, 2.0]], tmp_path, "predict_class")
    assert found.tolist() == model.predict_class([[1.0, 2.0]]).tolist()


class Squares(Module):
    """A model of a user's own, with a loop."""

    def __init__(self):
        self.neurons = [Neuron(2, activation="tanh", rng=i) for i in range(3)]

    def __call__(self, x):
        return sum(neuron(x) ** 2 for neuron in self.neurons)


def test_a_model_of_ones_own_is_compiled_for_numpy_and_refused_elsewhere_with_advice_that_works(tmp_path):
    model, X = Squares(), raw(5, 2)
    text = cr.to_numpy_source(model, X=X)
    np.testing.assert_allclose(executed(text, X, tmp_path, "value"), model.predict(X), **CLOSE)
    with pytest.raises(TypeError, match=r"to_numpy_source\(model, X=examples\)"):
        cr.to_numpy_source(model)
    with pytest.raises(TypeError, match="takes a Neuron, Layer, MLP or Sequential whose activations are operations"):
        cr.to_numpy_source(MLP(2, [1], output=lambda v: v * v))


# --- PyTorch


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_torch_predicts_the_same_and_the_way_back_leads_to_the_same_numbers(make, torch):
    model, X = make(), raw()
    theirs = cr.to_torch(model)
    wanted = model.predict(X).reshape(len(X), -1)
    np.testing.assert_allclose(theirs(torch.from_numpy(X)).detach().numpy(), wanted, **CLOSE)
    back = cr.from_torch(theirs)
    assert [p.data for p in back.parameters()] == [p.data for p in model.parameters()]
    np.testing.assert_allclose(back.predict(X).reshape(len(X), -1), wanted, **CLOSE)
    assert isinstance(back, MLP) or isinstance(model, Sequential)


@pytest.mark.parametrize("name", sorted({*UNARY} & {*pytorch.MODULES}))
def test_torch_has_each_activation_to_the_last_digits(name, torch):
    model = Neuron(1, activation=name, init=cr.init.uniform(1.0, 1.0))
    X = np.linspace(-40, 40, 161)[:, None]
    theirs = cr.to_torch(model)(torch.from_numpy(X)).detach().numpy()[:, 0]
    np.testing.assert_allclose(theirs, model.predict(X), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", sorted({*UNARY} & {*pytorch.MODULES}))
def test_the_activations_of_exports_are_those_of_pytorch(name, of_pytorch):
    X = np.linspace(-40, 40, 33)[:, None]
    kind, keywords = pytorch.MODULES[name]

    def outputs(torch):
        return {"y": getattr(torch.nn, kind)(**keywords)(torch.tensor(X)).numpy()}

    theirs = of_pytorch(f"activation {name}", outputs)
    model = Neuron(1, activation=name, init=cr.init.uniform(1.0, 1.0))
    np.testing.assert_allclose(model.predict(X), theirs["y"][:, 0], rtol=1e-12, atol=1e-15)


def pytorchs_network(torch):
    torch.manual_seed(0)
    layers = torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)
    model = torch.nn.Sequential(*layers).double()
    X = torch.linspace(-2, 2, 15, dtype=torch.float64).reshape(5, 3)
    state = {name: p.detach().numpy() for name, p in model.state_dict().items()}
    return {**state, "X": X.numpy(), "outputs": model(X).detach().numpy()}


def test_the_weights_of_exports_lie_as_those_of_pytorch_do(of_pytorch):
    theirs = of_pytorch("network", pytorchs_network)
    model = MLP(3, [4, 2], activation="tanh")
    for layer, place in zip(model.layers, (0, 2)):
        for neuron, w, b in zip(layer.neurons, theirs[f"{place}.weight"], theirs[f"{place}.bias"]):
            neuron.load_state_dict({"w": w, "b": b})
    np.testing.assert_allclose(model.predict(theirs["X"]), theirs["outputs"], **CLOSE)
    first, _, last = folded(stages(model, "to_torch"))  # what to_torch copies into Linear
    for stage, place in ((first, 0), (last, 2)):
        assert np.array_equal(stage.weights, theirs[f"{place}.weight"])
        assert np.array_equal(stage.biases, theirs[f"{place}.bias"])


def test_scaling_goes_along_to_torch(on_a_table, torch):
    model, rows, numbers = on_a_table
    found = cr.to_torch(model)(torch.from_numpy(numbers)).detach().numpy()
    np.testing.assert_allclose(found, model.predict(rows).reshape(len(numbers), -1), rtol=1e-10)


def test_a_float32_network_of_torch_is_taken_exactly_and_can_be_stepped(torch):
    generator = torch.Generator().manual_seed(0)
    layers = torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(3, 2, bias=False)
    theirs = torch.nn.Sequential(torch.nn.Sequential(*layers[:2]), *layers[2:], torch.nn.Softmax(1)).eval()
    for p in theirs.parameters():
        p.data = torch.randn(p.shape, generator=generator)
    model = cr.from_torch(theirs)
    X = raw(6, 2)
    np.testing.assert_allclose(model.predict(X), theirs.double()(torch.from_numpy(X)).detach().numpy(), **CLOSE)
    assert isinstance(model, MLP) and "svg" in cr.draw(model(X[0])[0], fold="neurons").svg


def test_what_torch_and_chainrule_do_not_share_is_named(torch):
    nn = torch.nn
    with pytest.raises(TypeError, match="0 is a Conv2d; from_torch knows Linear and elu"):
        cr.from_torch(nn.Sequential(nn.Conv2d(1, 1, 1)))
    with pytest.raises(ValueError, match=r"1 is LeakyReLU.*leaky_relu has negative_slope=0.01 only"):
        cr.from_torch(nn.Sequential(nn.Linear(1, 1), nn.LeakyReLU(0.2)))
    with pytest.raises(TypeError, match=r"takes a torch.nn.Module, got MLP"):
        cr.from_torch(MLP(1, [1]))
    with pytest.raises(TypeError, match=r"a Own with a forward\(\) of its own"):
        cr.from_torch(type("Own", (nn.Sequential,), {})(nn.Linear(1, 1)))
    with pytest.raises(ValueError, match="PyTorch has no module for the activation 'sin'; to_torch knows elu"):
        cr.to_torch(Neuron(1, activation="sin"))
    with pytest.raises(TypeError, match="to_torch takes a Neuron"):
        cr.to_torch(Squares())


# --- ONNX


def run_onnx(made):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda X: session.run(None, {"X": np.asarray(X, dtype=float)})


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx", reason="onnx is not installed")


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_onnxruntime_predicts_the_same(make, onnx, tmp_path):
    model, X = make(), raw()
    made = cr.to_onnx(model, tmp_path / "m.onnx")
    outputs, *label = run_onnx(onnx.load(tmp_path / "m.onnx"))(X)
    wanted = model.predict(X).reshape(len(X), -1)
    np.testing.assert_allclose(outputs, wanted, rtol=1e-6, atol=1e-6)
    if wanted.shape[1] > 1:
        assert label[0].tolist() == wanted.argmax(axis=1).tolist()
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


@pytest.mark.parametrize("name", sorted({*UNARY} & {*onnx_model.NODES}))
def test_onnxruntime_has_each_activation(name, onnx):
    low, high = cr.OPS[name].intervals()[0]
    X = np.linspace(low, high, 41)[:, None]
    model = Neuron(1, activation=name, init=cr.init.uniform(1.0, 1.0))
    tolerance = 1e-6 if name in ("erf", "gelu") else 1e-12  # onnxruntime has erf in float32 only
    [outputs] = run_onnx(cr.to_onnx(model))(X)
    np.testing.assert_allclose(outputs[:, 0], model.predict(X), rtol=tolerance, atol=tolerance)


def test_scaling_and_names_go_along_to_onnx(on_a_table, onnx):
    model, rows, numbers = on_a_table
    outputs, *label = run_onnx(cr.to_onnx(model))(numbers)
    np.testing.assert_allclose(outputs, model.predict(rows).reshape(len(numbers), -1), rtol=1e-9)
    if model.preparation.class_names:
        assert label[0].tolist() == model.predict_class(rows).tolist()


def test_what_onnx_cannot_do_is_named(onnx):
    with pytest.raises(ValueError, match="to_onnx has no nodes for the activation 'atan'; it knows absolute"):
        cr.to_onnx(Neuron(1, activation="atan"))
    with pytest.raises(TypeError, match="to_onnx takes a Neuron"):
        cr.to_onnx(Squares())


# --- scikit-learn


@pytest.fixture
def sklearn():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    import sklearn.compose
    import sklearn.neural_network
    import sklearn.pipeline
    import sklearn.preprocessing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        yield sklearn


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("classes", [["no", "yes"], ["a", "b", "c"], [3, 7]], ids=["two", "three", "numbers"])
def test_a_classifier_of_sklearn_predicts_the_same_here(activation, classes, sklearn):
    X = raw(60, 3)
    y = np.array(classes)[np.digitize(X[:, 0] + X[:, 1], [-1, 2] if len(classes) == 3 else [0])]
    theirs = sklearn.neural_network.MLPClassifier((5, 4), activation=activation, max_iter=30, random_state=0).fit(X, y)
    model = cr.from_sklearn(theirs)
    assert isinstance(model, MLP)
    np.testing.assert_allclose(model.predict_probabilities(X), theirs.predict_proba(X), **CLOSE)
    assert model.predict_class(X).tolist() == theirs.predict(X).tolist()
    assert "svg" in cr.draw(model(X[0]) if len(classes) == 2 else model(X[0])[0], fold="neurons").svg


@pytest.mark.parametrize("scaler", ["StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"])
def test_a_pipeline_with_a_scaler_and_a_scaled_target_takes_raw_rows(scaler, sklearn, tmp_path):
    X = raw(50, 2) * [1, 100] + [5, -300]
    y = X[:, 0] * 1000 + X[:, 1]
    network = sklearn.neural_network.MLPRegressor(
        hidden_layer_sizes=(6,), activation="tanh", max_iter=50, random_state=0
    )
    prepare = sklearn.preprocessing
    pipeline = sklearn.pipeline.make_pipeline(getattr(prepare, scaler)(), prepare.StandardScaler(), network)
    whole = sklearn.compose.TransformedTargetRegressor(pipeline, transformer=prepare.StandardScaler()).fit(X, y)
    model = cr.from_sklearn(whole)
    np.testing.assert_allclose(model.predict(X), whole.predict(X), rtol=1e-10)
    np.testing.assert_allclose(cr.load(model.save(tmp_path / "m.json")).predict(X), model.predict(X), rtol=1e-14)
    np.testing.assert_allclose(executed(cr.to_numpy_source(model), X, tmp_path), whole.predict(X), rtol=1e-10)


def test_several_outputs_of_a_regressor(sklearn):
    X = raw(40, 3)
    theirs = sklearn.neural_network.MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0).fit(X, X[:, :2])
    np.testing.assert_allclose(cr.from_sklearn(theirs).predict(X), theirs.predict(X), **CLOSE)


def test_what_is_no_fitted_network_is_refused(sklearn):
    with pytest.raises(ValueError, match=r"this MLPRegressor is not fitted; call its fit\(X, y\) first"):
        cr.from_sklearn(sklearn.neural_network.MLPRegressor())
    with pytest.raises(
        TypeError, match="takes an MLPClassifier or MLPRegressor, or a Pipeline that ends in one; got int"
    ):
        cr.from_sklearn(5)
    network = sklearn.neural_network.MLPRegressor(hidden_layer_sizes=(2,), max_iter=5)
    steps = sklearn.pipeline.make_pipeline(sklearn.preprocessing.PolynomialFeatures(), network).fit(
        [[1.0], [2.0]], [1.0, 2.0]
    )
    with pytest.raises(TypeError, match=r"knows StandardScaler, MinMaxScaler.*PolynomialFeatures"):
        cr.from_sklearn(steps)


def test_the_text_of_numpy_names_columns_as_they_are_spelled(tmp_path):
    hostile = ["S\u00fcd", 'a"""b', "back\\slash", "two\nlines", "\u202eturned"]
    data = cr.table({**{name: [1.0, 2.0] for name in hostile}, "y": [0.5, 1.5]}, "y")
    model = cr.MLP(5, [1], rng=0)
    cr.fit(model, cr.mse, data, epochs=1, progress=False)
    space = {}
    exec(compile(cr.to_numpy_source(model), "m.py", "exec"), space)
    said = space["__doc__"]
    assert "'S\u00fcd'" in said and "'two\\nlines'" in said and "'\\u202eturned'" in said
    assert np.allclose(space["predict"]([[1.0] * 5, [2.0] * 5]), model.predict([[1.0] * 5, [2.0] * 5]))


@pytest.mark.parametrize("export", [cr.to_onnx, cr.to_numpy_source])
def test_a_module_of_ones_own_is_named_by_its_class(export):
    if export is cr.to_onnx:
        pytest.importorskip("onnx", reason="onnx is not installed")

    class Cell(cr.Module):
        def __init__(self):
            self.w = cr.Value(1.0)

    with pytest.raises(TypeError, match=r"got Cell\(1 parameter\); to_numpy_source\(model, X=examples\)"):
        export(Cell())
