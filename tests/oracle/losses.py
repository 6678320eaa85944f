"""Reference values of losses by PyTorch in f64, for tests/graph/losses_test.c: python3 losses.py > losses.h"""
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
z = torch.tensor([[2.385, -0.713, 0.25], [-1.5, 0.4, 3.1], [0.1, -2.2, 0.9], [30.0, -4.0, 1.0]], requires_grad=True)
labels = torch.tensor([0, 1, 2, 1])
t = torch.tensor([[0.4, -1.0, 0.3], [1.0, 0.0, 1.0], [0.2, -1.9, 0.95], [1.0, 0.0, 0.35]])
weights = torch.tensor([0.5, 1.0, 1.7])
hinge = torch.where(t > 0.38, 1.0, -1.0)
gain, bias = torch.tensor([0.8, 1.3, -0.6]), torch.tensor([0.1, -0.2, 0.3])
losses = {
    "HUBER": F.huber_loss(z, t, reduction="none", delta=0.7).sum(1),
    "HINGE": F.relu(1 - z * hinge).sum(1),
    "BINARY": F.binary_cross_entropy_with_logits(z, t.abs().clamp(0, 1), reduction="none").sum(1),
    "WEIGHTED": F.cross_entropy(z, labels, weight=weights, reduction="none", label_smoothing=0.1),
    "LAYER_NORM": (F.layer_norm(z, (3,), gain, bias, 1e-5) * t).sum(1),
    "LOG_SUM_EXP": torch.logsumexp(z, 1),
    "MEAN_MAX": z.mean(1) + z.max(1).values,
}
print("/* Made by losses.py with PyTorch %s: the loss of each row, and its gradient by the logits. */" % torch.__version__)
for name, loss in losses.items():
    gradient, = torch.autograd.grad(loss.sum(), z)
    print("static const double %s[4] = {%s};" % (name, ", ".join("%.17g" % x for x in loss.tolist())))
    print("static const double %s_SLOPE[12] = {%s};" % (name, ", ".join("%.17g" % x for x in gradient.flatten().tolist())))
