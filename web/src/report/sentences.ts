// Sentences of the program in Chinese. A sentence that has numbers in it is one entry, with {} where each of them stands, as
// the C source has it with %g; the Chinese names them {1}, {2}. What has no entry is shown as the program wrote it.
// tests/web/sentences_test.py compares this list with the C sources.
import { settings } from "../settings";
import { anyWord } from "./words";

const CHINESE: Record<string, string> = {
  // what a verdict says: src/diagnose/verdict.c
  "One row, or few, are out of all proportion: their own loss or gradient is not finite or dwarfs all others.":
    "个别行与其余完全不成比例: 其损失或梯度不是有限数, 或远超其余。",
  "The loss of most rows is larger than a number can be, whatever the learning rate: targets or features are too large.":
    "无论学习率多少, 大多数行的损失都超出数的范围: 目标或特征过大。",
  "The learning rate is too large: the numbers end, while the same steps at a lower rate stay finite and gain.":
    "学习率过大: 数值溢出, 而以更低的学习率走同样的步数则保持有限并有收获。",
  "The gradient is so long here that even a hundredth of the learning rate throws the weights away; shorter steps stay finite.":
    "此处梯度过长, 即使学习率的百分之一也会把权重抛开; 更短的步长则保持有限。",
  "The learning rate is above the largest that this curvature bears: every step overshoots further, until the numbers end.":
    "学习率高于此处曲率所能承受的上限: 每一步都越过得更远, 直到数值溢出。",
  "The loss, the gradient or the next step is not finite.": "损失, 梯度或下一步不是有限数。",
  "The gradient is not the derivative of the loss: differences of the loss disagree with it, so no step can be trusted.":
    "梯度不是损失的导数: 与损失的差分不符, 没有一步可信。",
  "The loss is the least that any function of these features can have: rows with the same features have different targets.":
    "这是任何函数在这些特征上所能达到的最低损失: 特征相同的行有不同的目标。",
  "The data are fitted as well as can be, by a whole valley of equally good parameters: there is nothing to gain.":
    "数据已被拟合到最好, 整个谷底的参数同样好: 没有可再降低的余地。",
  "The data are fitted as well as can be: there is nothing to gain.": "数据已被拟合到最好: 没有可再降低的余地。",
  "The schedule has taken the learning rate down so far that all the steps to come add up to little, while much is left to gain.":
    "学习率计划已使余下的步长之和微不足道, 而可降低的还很多。",
  "The steps are smaller than half the distance between neighbouring numbers: rounding takes them all away, and the parameters stay.":
    "步长小于相邻浮点数间距的一半: 全部被舍入掉, 参数不变。",
  "One long step along the gradient gains many times what all the small ones do: the learning rate is far below what is stable.":
    "沿梯度走一大步的收获远多于所有小步: 学习率远低于稳定所允许的值。",
  "The momentum hardly fades: the training rolls through the minimum and back, while less momentum comes down.":
    "动量几乎不衰减: 训练滚过最低点又滚回来, 而动量小一些就能降下去。",
  "The rule divides by all the gradients it has ever seen, and its steps have become too short: with a fresh state the same steps gain many times as much.":
    "该规则除以以往全部梯度的累积, 步长已过短: 状态清零后, 同样的步数收获多许多倍。",
  "The learning rate is as large as the steepest direction bears, and far too small for the others, where all that is left to gain lies: features of very different size do that.":
    "学习率已达最陡方向的上限, 对其余方向却太小, 而可降低的都在那里: 特征大小悬殊即会如此。",
  "The gradients of the batches scatter so much that the loss no longer falls on average: more rows a step would let the gradient show.":
    "各批的梯度过于分散, 平均损失不再下降: 每步用更多行才能显出梯度。",
  "The steps are large and their noise is, too: the training circles the minimum at a distance that the learning rate sets.":
    "步长大, 噪声也大: 训练在最低点周围打转, 距离由学习率决定。",
  "The rate is as large as the curvature bears: the loss goes up and down from step to step, and falls over many.":
    "学习率恰好达到曲率所能承受的上限: 损失逐步起伏, 长期下降。",
  "The loss goes on falling: this training is not stuck.": "损失仍在下降: 训练没有卡住。",
  "The Hessian-vector product is not the derivative of the gradient: differences of the gradient disagree with it.":
    "Hessian 向量积不是梯度的导数: 与梯度的差分不符。",
  "Most units of a layer are dead: no row of the data makes them active, so their weights get no gradient and never change.":
    "某层的大多数神经元已死: 没有一行数据能激活它们, 它们的权重得不到梯度, 永不改变。",
  "Most units of a layer are saturated: their activation is flat where the data are, and next to no gradient gets through.":
    "某层的大多数神经元已饱和: 激活函数在数据处是平的, 几乎没有梯度能通过。",
  "The gradient fades from layer to layer on its way back: at the first layers next to nothing of it arrives, and they never learn.":
    "梯度在反向传播中逐层衰减: 到前几层时几乎为零, 它们学不到东西。",
  "The model predicts the same for every row: its loss is that of the best constant, and nothing points away from it.":
    "模型对每一行的预测都相同: 其损失等于最佳常数的损失, 没有什么指向别处。",
  "The gradient has nothing more to offer, and the curvature is not known well enough: minimum or saddle, the gradient cannot tell.":
    "梯度已无所贡献, 而曲率还不够清楚: 极小值还是鞍点, 梯度不能断定。",
  "The gradient is zero and the loss curves downwards in every direction: this is a maximum.":
    "梯度为零, 各方向上损失都向下弯曲: 这是极大值。",
  "Units with equal or zero weights get equal gradients for ever; the loss curves downwards where they begin to differ.":
    "权重相同或为零的神经元永远得到相同的梯度; 在它们开始不同的方向上, 损失向下弯曲。",
  "The gradient is zero, but along one direction the loss curves downwards: a saddle, and that direction leads out of it.":
    "梯度为零, 但沿某个方向损失向下弯曲: 这是鞍点, 沿该方向可以离开。",
  "The curvature is negative somewhere, so this is no minimum, but so slightly that following it leads nowhere.":
    "某处曲率为负, 所以不是极小值, 但负得极微, 沿它走无济于事。",
  "The gradient is zero and the loss curves upwards in every direction, but it is lower elsewhere: a local minimum.":
    "梯度为零, 各方向上损失都上升, 但别处更低: 局部极小值。",
  "The gradient is zero and the loss curves upwards in every direction: this is a minimum.":
    "梯度为零, 各方向上损失都向上弯曲: 这是极小值。",
  "Gradient and curvature say nothing along some directions, and the loss measured there falls: no minimum.":
    "沿某些方向梯度与曲率都不起作用, 而在那里测得损失下降: 不是极小值。",
  "The loss does not change along most directions: most of the parameters do nothing here.":
    "沿大多数方向损失不变: 大部分参数在此不起作用。",
  "The loss curves upwards or stays exactly the same: a valley of equally good minima, and nothing to gain.":
    "损失向上弯曲或完全不变: 谷底各处同样好, 没有可再降低的余地。",
  "The curvature is zero along some directions, and the loss rises wherever it was measured there.":
    "沿某些方向曲率为零, 而在那里测得的损失处处上升。",
  "The learning rate is at or above the limit of stability: each step jumps across the valley, while a shorter one goes down.":
    "学习率达到或超过稳定上限: 每一步都越过谷底, 而更短的一步则下降。",
  "Beside a saddle: units with equal or zero weights get equal gradients for ever, and the loss curves downwards where they begin to differ.":
    "在鞍点旁: 权重相同或为零的神经元永远得到相同的梯度, 在它们开始不同的方向上, 损失向下弯曲。",
  "Beside a saddle: the gradient is nearly gone, and what the loss curves downwards along has hardly begun to grow.":
    "在鞍点旁: 梯度几乎消失, 而向下弯曲方向上的分量才刚开始增长。",
  "The gradient is not zero, but no step along it lowers the loss by more than rounding.":
    "梯度不为零, 但沿它走任何一步, 损失的降低都不超过舍入误差。",
  "The gradient is not zero, and yet the loss does not fall as the training goes on.":
    "梯度不为零, 但继续训练损失并不下降。",

  // what would change or decide a verdict: the same table
  "the same end without that row": "去掉那一行后结果依旧",
  "a finite loss for most rows at these weights": "在这些权重处大多数行的损失为有限数",
  "the same end at a tenth and a hundredth of the rate": "学习率降为十分之一和百分之一时结果依旧",
  "the same end with a bound on the gradient, or a lower rate that gains as much": "限制梯度长度后结果依旧, 或更低的学习率收获相当",
  "a largest eigenvalue that bears this rate": "最大特征值能承受此学习率",
  "a replay that stays finite": "重放时保持有限",
  "a gradient that agrees with differences of the loss": "梯度与损失的差分一致",
  "a feature that tells apart the rows that are equal now": "有一个特征能区分现在相同的行",
  "a loss that still falls along the valley": "沿谷底损失仍然下降",
  "a loss below what the data allow": "损失低于数据所允许的下限",
  "a line search that gains no more than the small steps do": "线搜索的收获不多于小步的收获",
  "parameters that change in the next step, or the same standstill in a higher precision": "下一步参数有变化, 或在更高精度下同样停滞",
  "a line search that gains no more than the small steps do, or a limit of stability near this rate":
    "线搜索的收获不多于小步的收获, 或稳定上限就在此学习率附近",
  "a replay with momentum 0.9 that comes no lower": "以动量 0.9 重放而损失不更低",
  "a fresh state that gains no more": "状态清零后收获不更多",
  "a Newton step through the slow directions that gains little, or a rate far below the limit of stability":
    "沿慢方向的牛顿步收获甚少, 或学习率远低于稳定上限",
  "a tenth of the rate that comes no lower, or a loss on all rows that falls": "学习率降为十分之一时损失不更低, 或全部行上的损失在下降",
  "a longer look in which the loss does not fall": "观察更久而损失不下降",
  "products that agree with differences of the gradient": "Hessian 向量积与梯度的差分一致",
  "a Hessian-vector product that agrees with differences of the gradient, or none at all":
    "Hessian 向量积与梯度的差分一致, 或不提供该积",
  "rows that make those units active": "有数据行能激活这些神经元",
  "a hundredth of the gradient or more that gets through those units": "有百分之一以上的梯度能通过这些神经元",
  "a gradient that arrives at the first layer with a thousandth of its size at the last, or more":
    "到达第一层的梯度不小于最后一层的千分之一",
  "a loss below that of the best constant": "损失低于最佳常数的损失",
  "the smallest eigenvalue of the Hessian": "Hessian 的最小特征值",
  "one eigenvalue that is not negative": "有一个特征值不为负",
  "a smallest eigenvalue within the resolution of zero, or a loss that does not fall along the way out":
    "最小特征值与零无法区分, 或沿出路损失并不下降",
  "a loss that falls along the negative curvature": "沿负曲率方向损失下降",
  "a lower point that is not one: its loss measured again": "那个更低的点其实不低: 重新测量其损失",
  "an eigenvalue that is not positive, or a lower point elsewhere": "有一个特征值不为正, 或别处有更低的点",
  "a loss that does not fall there": "在那里损失并不下降",
  "curvature along most directions, or a loss far below that of the best constant": "大多数方向上有曲率, 或损失远低于最佳常数的损失",
  "a loss that falls somewhere along the valley, or a lower point elsewhere": "谷底某处损失下降, 或别处有更低的点",
  "a direction of zero curvature along which the loss falls": "有一个零曲率方向, 沿它损失下降",
  "a limit of stability above this rate, or a loss that falls over many steps": "稳定上限高于此学习率, 或损失在多步后下降",
  "a nearest critical point that is a minimum": "最近的临界点是极小值",
  "the same loss in a higher precision, or smoother": "更高精度或更平滑的同一损失",
  "the loss over more steps, and the noise of the gradient from batch to batch": "更多步的损失, 以及各批梯度的噪声",

  // what a sign means: src/diagnose/signs.c
  "How many rows have a loss or gradient of their own that is not finite.": "有多少行, 其自身的损失或梯度不是有限数。",
  "The first such row, or else the one of the longest gradient: its number among the training rows, from 0.":
    "第一个这样的行, 若无则为梯度最长的行: 在训练行中的编号, 从 0 起。",
  "How many times longer that gradient is than those of all other rows together.": "该梯度是其余各行梯度之和的多少倍。",
  "A learning rate at which the same steps stay finite and gain, beside the one in use.": "能使同样的步数保持有限并有收获的学习率, 与现用的相比。",
  "A bound on the gradient with which the same steps stay finite and gain, beside its length now.":
    "能使同样的步数保持有限并有收获的梯度上限, 与现在的长度相比。",
  "How far the gradient is from differences of the loss, relatively; above the threshold it is wrong.":
    "梯度与损失差分的相对偏差; 超过阈值即有误。",
  "How far Hessian-vector products are from differences of the gradient, relatively.": "Hessian 向量积与梯度差分的相对偏差。",
  "What following the gradient could still take off the loss, by the quadratic model of the surroundings.":
    "按周围的二次模型, 沿梯度还能使损失降低多少。",
  "How much the loss falls when the training simply goes on for a while, on a copy.": "在副本上继续训练一段, 损失降低多少。",
  "How many steps the copy went on for.": "副本继续训练的步数。",
  "How much the loss falls over those steps by its trend; zero or less where noise may make it.":
    "按趋势在这些步中损失下降多少; 噪声就能造成时为零或更小。",
  "The share of the gradient that belongs to parameters which the next step does not change by a single bit.":
    "下一步连一位都不改变的参数, 其梯度所占比例。",
  "How much the best single step along the negative gradient takes off the loss.": "沿负梯度最好的一步能使损失降低多少。",
  "The learning rate of that best single step, beside the one in use.": "这最好一步的学习率, 与现用的相比。",
  "The largest eigenvalue over the smallest that needs ten times the steps done so far.":
    "最大特征值与需要已走步数十倍的最小特征值之比。",
  "What a line search through all those slow directions takes off the loss.": "沿所有这些慢方向的线搜索能使损失降低多少。",
  "How much the loss falls when the rule forgets the gradients so far, beside five times what it does anyhow.":
    "规则忘掉以往梯度后损失降低多少, 与不忘时的五倍相比。",
  "How often the loss on all rows rose while the training went on.": "继续训练时, 全部行上的损失上升的频率。",
  "How much lower the loss comes with momentum 0.9.": "动量为 0.9 时损失会低多少。",
  "The batch at which the scatter of the gradients is as strong as the gradient itself, beside the batch in use.":
    "梯度的分散与梯度本身一样强时的批量, 与现用的相比。",
  "How much the loss on all rows falls from the first half of those steps to the second, noise taken off.":
    "这些步中, 全部行上的损失从前半段到后半段降低多少, 已扣除噪声。",
  "How much lower the loss comes at a tenth of the learning rate, noise taken off.": "学习率降为十分之一时损失会低多少, 已扣除噪声。",
  "The learning rate of the next step; above the threshold this curvature makes the method unstable.":
    "下一步的学习率; 超过阈值, 此处的曲率会使方法不稳定。",
  "The largest eigenvalue of the Hessian as the rule sees it, divided by what it divides its steps by.":
    "规则所见的 Hessian 最大特征值, 即除以规则用来除步长的量。",
  "The least loss that any function of the features can have: rows with equal features set it.":
    "任何关于特征的函数所能达到的最低损失: 由特征相同的行决定。",
  "The loss of the best constant prediction.": "最佳常数预测的损失。",
  "The share of a layer's units that no row makes active; the worst layer.": "没有一行能激活的神经元在该层的比例; 取最差的层。",
  "The share of a layer's units that let less than 1 % of the gradient through; the worst layer.":
    "通过的梯度不到 1 % 的神经元在该层的比例; 取最差的层。",
  "What of a row's error arrives at the first hidden layer, beside the last.": "一行的误差到达第一个隐藏层的部分, 与最后一层相比。",
  "The lowest loss that a search from other weights found.": "从其他权重出发搜索到的最低损失。",
  "All is measured without dropout and with running statistics; the training steps with dropout and batch ones.":
    "测量时不用 dropout, 用滑动统计量; 训练时用 dropout 和批统计量。",
  "The smallest eigenvalue of the Hessian; below the threshold the loss curves downwards, and this is no minimum.":
    "Hessian 的最小特征值; 低于阈值则损失向下弯曲, 不是极小值。",
  "The largest eigenvalue of the Hessian: the steepest curvature upwards.": "Hessian 的最大特征值: 向上最陡的曲率。",
  "An eigenvalue smaller than this cannot be told from zero.": "小于此值的特征值与零无法区分。",
  "In so many directions the loss curves downwards.": "损失向下弯曲的方向数。",
  "In so many directions the curvature cannot be told from zero.": "曲率与零无法区分的方向数。",
  "How much a line search along the way out takes off the loss.": "沿出路的线搜索能使损失降低多少。",
  "How far the parameters already are along the way out; zero means for ever at rest.": "参数沿出路已走了多远; 零即永远静止。",
  "How many steps the method in use would need to leave by itself, beside the steps done so far.":
    "现用方法自行离开所需的步数, 与已走的步数相比。",
  "How far the saddle is: zero, to rounding, at it.": "离鞍点多远: 在鞍点处为零 (舍入误差内)。",
  "1 when the way out is a difference between units whose weights are equal or zero.": "出路是权重相同或为零的神经元之差时为 1。",

  // why a remedy may help: src/remedy/
  "the gradient is {} long; bounded by {} the same steps stay finite": "梯度长 {1}; 限制在 {2} 以内, 同样的步数保持有限",
  "the noise of the steps keeps the loss up: a tenth of the rate takes {} off it at once":
    "步的噪声使损失降不下去: 学习率降为十分之一, 损失立即降低 {1}",
  "the loss curves downwards along one direction (eigenvalue {}); a line search along it takes {} off the loss":
    "沿一个方向损失向下弯曲 (特征值 {1}); 沿它线搜索可使损失降低 {2}",
  "the curvature is silent along some directions; a line search along one of them takes {} off the loss":
    "沿某些方向曲率不起作用; 沿其中之一线搜索可使损失降低 {1}",
  "a step sees {} rows; at {} rows the scatter of the gradients is as strong as the gradient itself":
    "每步用 {1} 行; 到 {2} 行时, 梯度的分散才与梯度本身一样强",
  "the learning rate is {}; above {} the steps overshoot here, and {} is tried": "学习率为 {1}; 高于 {2} 时此处的步会越过谷底, 试用 {3}",
  "one step at {} would take {} off the loss; {} is in use, and {} is tried": "以 {1} 走一步可使损失降低 {2}; 现用 {3}, 试用 {4}",
  "from here nothing leads on; another start may lead elsewhere": "从这里无路可走; 另一个起点可能通向别处",
  "a point of loss {} is known, and other starts may be lower": "已知一个损失为 {1} 的点, 其他起点可能更低",
  "the loss {} is above {}, the least that the data allow: another start may end lower":
    "损失 {1} 高于数据所允许的下限 {2}: 另一个起点可能更低",
  "the loss {} is above {}, the least that the data allow: other units may do better":
    "损失 {1} 高于数据所允许的下限 {2}: 换别的神经元可能更好",
  "hidden units do not do their part: dead {} %, saturated {} % of a layer": "隐藏神经元未尽其用: 一层中死亡 {1} %, 饱和 {2} %",
  "hidden units with equal or zero weights learn the same; new weights tell them apart":
    "权重相同或为零的隐藏神经元学到的相同; 新的权重使它们有别",
  "the loss {} is above {}, the least that the data allow: with more units this may be a saddle{}":
    "损失 {1} 高于数据所允许的下限 {2}: 神经元更多时这里可能是鞍点{3}",
  "with more units this local minimum may be a saddle{}": "神经元更多时, 这个局部极小值可能是鞍点{1}",
  ": {}, which must gain {}": ": {1}, 收获须不少于 {2}",
  ": {}": ": {1}",
  "{}layer{} from {} to {} units{}": "{1}layer{2} 的神经元从 {3} 个增至 {4} 个{5}",
  "from the last good weights the same steps end in no numbers at {}, and gain at {}":
    "从上一个好的权重出发, 同样的步数以 {1} 会溢出, 以 {2} 有收获",
  "the columns are of very different scale, or far from 0: {} may come from that": "各列尺度悬殊, 或远离 0: {1} 可能由此而来",
  "the gradient is {} long and the least eigenvalue {}: at {} nothing falls any more{}":
    "梯度长 {1}, 最小特征值 {2}: 在 {3} 处已降无可降{4}",
  "the gradient is {} long: at {} nothing falls any more{}": "梯度长 {1}: 在 {2} 处已降无可降{3}",
  "; the data allow no less than {}": "; 数据所允许的下限为 {1}",
  "Adam scales each parameter by itself; its rate is the best of five tried in {} steps":
    "Adam 为每个参数分别缩放; 其学习率是各试 {1} 步的五个中最好的",
  "asked for by name": "按名称指定",
  "it failed: {}": "失败: {1}",

  // what happened: events of a run
  "interrupted; the checkpoint is written": "已中断; 检查点已写入",
  "an observer asked to stop": "观察者要求停止",
  "training goes on from the checkpoint": "从检查点继续训练",
  "{} more steps, to {}": "再训练 {1} 步, 到第 {2} 步",
  "the loss does not fall over the last {} steps: {} a step ({} to {}, 95 %) at {}":
    "最近 {1} 步损失未降: 每步 {2} ({3} 到 {4}, 95 %), 损失 {5}",
  "; the run's losses are those of the standardised target from here on: {} times less{}":
    "; 此后的损失按标准化后的目标计, 为原来的 {1} 分之一{2}",
  "{}: loss {} -> {} in {} steps{}": "{1}: {4} 步, 损失 {2} -> {3}{5}",
  "; {}": "; {1}",
  "{} helped{}; loss {} -> {}, {} taken, in {} s": "{1} 有效; 损失 {3} -> {4}, 共采用 {5} 个, 用时 {6} s",
  "{}; loss {}, in {} s": "{1}; 损失 {2}, 用时 {3} s",
  "nothing helps": "试过的都无效",
  "nothing to do": "无需处理",
  "no time for a diagnosis by --unstick-share {} of {} s of training": "按 --unstick-share {1}, {2} s 的训练没有时间用于诊断",
  "--lr auto: {} finds its rate itself; its own factor of it stays, --lr {}": "--lr auto: {1} 自行确定学习率; 其系数保持 --lr {2}",
  "--lr auto: sharpness {}; critical rate along the update: {}; the smaller of half of the former and {} of the latter: {}":
    "--lr auto: 尖锐度 {1}; 沿更新方向的临界学习率 {2}; 取前者一半与后者 {3} 中较小的: {4}",
  "{}, of which {} bears a rate up to {}": "{1}, {2} 可承受的学习率至 {3}",
  "not measured for this rule and model": "对此规则与模型未测量",
  "none found": "未找到",
  "a tenth": "十分之一",
  half: "一半",
  "step {}: the loss is {}; a lower --lr, or data that are finite, may help": "第 {1} 步: 损失为 {2}; 降低 --lr, 或使用有限的数据, 可能有帮助",
  "step {}: element {} of the gradient of {} is {}; a lower --lr may help": "第 {1} 步: {3} 的梯度的第 {2} 个元素为 {4}; 降低 --lr 可能有帮助",
  "step {}: the gradient is longer than a number can say": "第 {1} 步: 梯度的长度超出数的范围",
  "step {}: a product with the Hessian is not finite": "第 {1} 步: 与 Hessian 的积不是有限数",
  "{} / {}: {}": "{1}, {2}: {3}", // a verdict on the way
  "the gradient is zero, but at a maximum: the Hessian has no positive eigenvalue": "梯度为零, 但在极大值处: Hessian 没有正特征值",
  "the gradient is zero, but at a saddle: the Hessian has negative eigenvalues": "梯度为零, 但在鞍点处: Hessian 有负特征值",
  "no step lowers the squares, though their gradient is not zero": "梯度不为零而没有一步能降低平方和",
  "it was only looked at": "仅作观察",
  "it failed": "失败",
  "the iterations ran out": "迭代次数用尽",
  "the time ran out": "时间用尽",
  "the loss falls without bound": "损失无下界地下降",
  "the gradient is zero within the tolerance": "梯度在容差内为零",
  "what is left to gain is below this precision": "余下可降低的低于此精度",
  "no step lowers the loss, though the gradient is not zero: a kink, or a noisy loss": "梯度不为零而没有一步能降低损失: 有尖点, 或损失带噪声",
  "the model is linear in its parameters: this is the exact solution": "模型对参数是线性的: 这是精确解",
};

/** Those with numbers, the longest first: a short one may fit where a long one does. */
const patterns = Object.entries(CHINESE)
  .filter(([english]) => english.includes("{}"))
  .sort(([a], [b]) => b.length - a.length)
  .map(([english, chinese]): [RegExp, string] => {
    const parts = english.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return [new RegExp(`^${parts.join("(.*?)")}$`, "s"), chinese];
  });

/** A sentence of the program in the reader's language. */
export function said(english: string | null | undefined): string {
  if (!english || settings.language === "en") return english ?? "";
  if (Object.hasOwn(CHINESE, english)) return CHINESE[english]!;
  for (const [pattern, chinese] of patterns) {
    const found = pattern.exec(english);
    if (found) return chinese.replace(/\{(\d)\}/g, (_, i: string) => said(found[Number(i)]));
  }
  return anyWord(english);
}
