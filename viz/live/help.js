// What each part is for, in a few sentences: the button with the question mark opens them.

function helpOf(id) {
  const maps = isPlane() || isLine(), what = D.kind === "value" ? D.losses[0] : "the loss", one = D.neurons.length ? "weight" : D.kind === "value" ? "leaf" : "parameter";
  const seen = isPlane() ? "A square shows what its neuron answers at each point of the field: blue above 0, white at 0, orange below."
    : isLine() ? "A square shows what its neuron answers, from the smallest input at the left to the largest at the right; the grey line is 0."
      : "The stripes or pixels of a square are the neuron's weights, in the order of what they read: blue above 0, orange below. A number on it is its answer for the chosen example.";
  const fields = {
    plane: D.task === "numbers" ? "The colour is the answer of the network at each point: blue above 0, orange below, the stronger the larger. Marks are your examples, each in the colour of its target, in the same scale: so a mark that can hardly be told from what is around it is predicted well. A dashed rim marks test examples, from which it does not learn. Click a mark to choose the example. With “add”, “move” and “delete” you change the data, and the network sees it at once."
      : "The colour is the answer of the network at each point; on the black line it changes. Marks are your examples: hollow ones are test examples, from which it does not learn, and a dark rim is a wrong answer. Click a mark to choose the example. With “add”, “move” and “delete” you change the data, and the network sees it at once.",
    line: "The line is the answer of the network for each input, the marks are your examples; hollow ones are test examples. Click a mark to choose the example." + (wants("data") && D.task === "numbers" && D.targets === 1 ? " With “add”, “move” and “delete” you change the data, and the network sees it at once." : ""),
    confusion: "A row is the true class, a column what the network takes it for, so right answers stand on the diagonal. Click a number to see the next of its examples. The bars are the probabilities that the network gives the classes for the chosen example; ✓ marks the true one.",
    scatter: "Each mark is an example: its true number to the right, the predicted one upwards. On the dashed line both are the same. Click a mark to choose the example.",
  };
  const words = (name) => (D.words?.[name] ? ` ${name}: ${D.words[name]}` : "");
  const activationWords = () => [...new Set(D.neurons.map((n) => S.acts[n.column] ?? n.activation))].filter((name) => D.activations[name]).map((name) => ` ${name}: ${minus(D.activations[name][2].what)}`).join("");
  return {
    bar: "Train runs and pauses; “one step” looks at one mini-batch and moves each parameter once; “restart” goes back to the start. The optimiser is the rule that makes steps of gradients, the learning rate says how large they are, and a mini-batch is how many examples are looked at for each. The loss is the number that training makes small: “train loss” is its mean over the examples that are learned from, “test loss” over those that are not, and “right” counts the right answers" + (D.test ? " among the test examples." : ".") + words(S.optimiser.name) + words(D.losses[S.loss]),
    network: `The data go from left to right. ${seen} A line is a weight: blue above 0, orange below, the thicker the larger. Click a square or a line to see its numbers below. The lists above the layers exchange their activation functions: what a neuron makes of its sum z.${activationWords()} Keys: the arrows go from neuron to neuron, Enter goes to the scalar steps.`,
    "data-panel": fields[fieldKind()],
    curves: `The mean loss so far; smaller is better.${D.test ? " Where train falls and test rises, the network learns the examples by heart." : ""} Below: how large the gradient is${groups.length > 1 ? " in each layer" : ""} (the root of its mean square).${groups.length > 1 ? " A layer whose line lies far below the others hardly learns." : ""} “log” and “linear” change the scale of the loss.`,
    neuron: D.neurons.length ? "A row is one number that goes into the neuron, for the chosen example: value × weight is its part of the sum z. The weight's gradient, w.grad, is local derivative × upstream gradient: ∂z/∂w says how fast z changes with the weight, ∂loss/∂z how fast the loss changes with z; where the loss has other uses of a weight, such as a penalty, what they give stands in a column of its own. All of it is of this one example; “What if” shows the mean over all of them, and training takes the mean of a mini-batch. The last column is what this example asks of the value: minus its gradient. Blue is above 0, orange below. Drag a framed number, type one, or use the arrow keys (Shift: ten times as much); everything is computed again. The two arrows at the top choose another example."
      : `Each ${one} with its number and its gradient: how fast ${what} changes with it. Drag a framed number, type one, or use the arrow keys (Shift: ten times as much); everything is computed again.`,
    "whatif-panel": `The black curve is ${what} for other values of this one ${one}, with all else as it is. The dashed line is what the gradient says. It is the tangent: it touches the curve and has its slope, so it is right at the dot, and less and less so far from it. Drag the dot: the change that the gradient predicts stands beside the true one. “keep” takes the new number, Esc brings the old one back.`,
    why: "How the optimiser made the last step of this parameter: each part by its name, with its formula and its number. Below stands a bar for each example: upwards it asks for a larger number, downwards for a smaller one, and the mean of all is minus the gradient. Click a bar to choose the example.",
    steps: `One operation at a time. Forward: each value is computed from those before. Backward, from ${what}: each scalar gets, for each of its uses, local derivative × upstream gradient. Update: the step of each parameter. With “predict first” you guess each number before you see it.`,
    "picture-panel": "Each card is a value: data is its number, grad says how fast the result changes with it (blue: in the same direction, orange: in the other). The number on a line is a local derivative. Drag the card of a leaf to the left or to the right, or focus it and use the arrow keys, and all others follow.",
    foot: (D.kind === "model" ? "Replay: the slider goes back through the training, and “train on from here” goes on from that moment. " : "") + "“copy numbers” puts the parameters on the clipboard, for cr.load_numbers(model, text) in Python. “save picture” is an SVG file. “worksheet” prints the scalar steps with blanks, and their key.",
  }[id];
}

function closeHelp() { for (const button of document.querySelectorAll(".ask[aria-expanded=true]")) button.click(); }
function helpButton(id, after, what) {
  const text = el("p", { className: "help", id: "help-" + id, hidden: true }), button = el("button", { type: "button", className: "ask", text: "?", title: `what is this? (${what})`, "aria-label": `what is this? (${what})`, "aria-expanded": "false", "aria-controls": text.id, onclick: () => {
    text.hidden = !text.hidden;
    fill();
    button.setAttribute("aria-expanded", String(!text.hidden));
    redraw();
  } });
  const fill = () => setText(text, helpOf(id));
  parts.push(() => { if (!text.hidden && !S.playing) fill(); }); // the loss or the optimiser may be another
  after.after(text);
  return button;
}
