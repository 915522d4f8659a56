"""How far float32 is from float64, in PyTorch itself: the measure of how far GoINTR, which computes in float32 too, may be.

Rounding falls otherwise on every processor, so one answer in float32 says little of a model whose softmaxes are nearly
undecided. Here it falls in six ways: convolutions by oneDNN and by PyTorch's own code, for each of three orders of the
channels inside of the backbone's blocks and of the feed-forwards, which leave the function what it is. That is one draw of
rounding each; `shaken` ones, whose weights are a millionth off, twice as much as rounding does, find more of what is undecided.
"""
import copy

import torch
from torchvision.models.resnet import BasicBlock, Bottleneck

ORDERS = 3


def float64(model):
    """The model in float64, which takes what the model takes."""
    exact = copy.deepcopy(model).double()
    exact.register_forward_pre_hook(lambda _, inputs: (inputs[0].double(), *inputs[1:]))
    return exact


def float32s(model, orders=ORDERS, shaken=0):
    """The model in float32, in two ways for every order: each computes in its own way until the next one is asked for."""
    for seed in range(orders):
        other = reordered(model, seed)
        for onednn in (True, False):
            with torch.backends.mkldnn.flags(enabled=onednn, allow_tf32=False):
                yield copy.deepcopy(other)
    for seed in range(shaken):
        random, other = torch.Generator().manual_seed(seed), copy.deepcopy(model)
        for values in other.state_dict().values():
            if values.dim() > 1:
                values.mul_(1 + 1e-6 * torch.randn(values.shape, generator=random))
        yield other


@torch.no_grad()
def reordered(model, seed):
    """The same function with its channels in another order wherever only one layer reads them; 0 is the order as it is."""
    order, model = torch.Generator().manual_seed(seed), copy.deepcopy(model)
    for block in model.modules() if seed else ():
        if isinstance(block, Bottleneck):
            shuffle(order, [block.conv1, block.bn1], block.conv2)
            shuffle(order, [block.conv2, block.bn2], block.conv3)
        elif isinstance(block, BasicBlock):
            shuffle(order, [block.conv1, block.bn1], block.conv2)
        elif hasattr(block, "linear2"):
            shuffle(order, [block.linear1], block.linear2)
    return model


def shuffle(order, writers, reader):
    at = torch.randperm(reader.weight.shape[1], generator=order)
    for writer in writers:
        for values in writer.state_dict().values():
            if values.dim():  # BatchNorm counts its batches
                values.copy_(values[at].clone())
    reader.weight.copy_(reader.weight[:, at].clone())


def apart(exact, others):
    """The greatest distance of any number of the others from the exact one."""
    exact = torch.as_tensor(exact).double()
    return max(float((torch.as_tensor(other).double() - exact).abs().max()) for other in others)
