// Names of the program in the words of people, in both languages. What has no word here is shown by its name.
import { settings } from "../settings";

type Pair = [english: string, chinese: string];

function say(words: Record<string, Pair>, name: string): string {
  const pair = Object.hasOwn(words, name) ? words[name] : undefined;
  return pair ? pair[settings.language === "zh" ? 1 : 0] : name;
}

const VERDICTS: Record<string, Pair> = {
  descending: ["Not stuck: the loss is falling", "没有卡住: 损失仍在下降"],
  minimum: ["At a minimum", "位于极小值"],
  saddle: ["Stuck at a saddle point", "卡在鞍点"],
  maximum: ["Stuck at a maximum", "卡在极大值"],
  plateau: ["Stuck on a plateau", "卡在平坦区"],
  oscillating: ["Stuck: jumping to and fro", "卡住: 来回振荡"],
  crawling: ["Stuck: crawling", "卡住: 进展极慢"],
  noisy: ["Stuck in the noise of small batches", "卡在小批量的噪声中"],
  diverged: ["Diverged", "发散"],
  undecided: ["Undecided", "尚无定论"],
};

const CAUSES: Record<string, [string, string, string]> = {
  "edge-of-stability": ["at the edge of stability", "处于稳定边缘", "学习率恰好达到曲率所能承受的上限: 损失逐步起伏, 长期下降。"],
  converged: ["converged", "已收敛", "数据已被拟合到最好: 没有可再降低的余地。"],
  "flat-valley": ["in a flat valley", "位于平坦的谷底", "谷底各处同样好, 没有可再降低的余地。"],
  irreducible: ["the floor of the data", "已达数据的下限", "这是任何函数在这些特征上所能达到的最低损失: 特征相同的行有不同的目标。"],
  local: ["a local minimum; a lower one is known", "局部极小值, 已知有更低的点", "梯度为零, 各方向上损失都上升, 但别处更低: 局部极小值。"],
  "negative-curvature": ["negative curvature", "负曲率", "梯度为零, 但沿某个方向损失向下弯曲: 这是鞍点, 沿该方向可以离开。"],
  "symmetric-units": ["units are equal", "神经元相同", "权重相同或为零的神经元永远得到相同的梯度; 在它们开始不同的方向上, 损失向下弯曲。"],
  "negative-definite": ["every direction leads down", "各方向都向下", "梯度为零, 各方向上损失都向下弯曲: 极大值。"],
  "dead-units": ["dead units", "神经元死亡", "某层的大多数神经元已死: 没有一行数据能激活它们, 它们的权重得不到梯度。"],
  "saturated-units": ["saturated units", "神经元饱和", "某层的大多数神经元已饱和: 激活函数在数据处是平的, 几乎没有梯度能通过。"],
  "vanishing-gradient": ["the gradient vanishes", "梯度消失", "梯度在反向传播中逐层衰减, 到前几层时几乎为零。"],
  "constant-predictor": ["predicts a constant", "只预测常数", "模型对每一行的预测都相同, 其损失等于最佳常数的损失。"],
  "frozen-arithmetic": ["rounding takes the steps away", "更新被舍入掉", "步长小于相邻浮点数间距的一半: 全部被舍入掉。"],
  flat: ["flat", "平坦", "沿大多数方向损失不变: 大部分参数在此不起作用。"],
  "lr-above-stability": ["learning rate too large", "学习率过大", "学习率达到或超过曲率所允许的上限: 每一步都越过谷底。"],
  "momentum-too-high": ["momentum too high", "动量过大", "动量几乎不衰减: 训练滚过最低点又滚回来。"],
  "lr-too-small": ["learning rate too small", "学习率过小", "沿梯度走一大步的收获远多于所有小步: 学习率远低于曲率所允许的值。"],
  "lr-decayed": ["learning rate has decayed", "学习率已衰减殆尽", "学习率计划已使余下的步长之和微不足道, 而离最低点还很远。"],
  "ill-conditioned": ["badly conditioned", "条件数过大", "学习率已达最陡方向的上限, 对其余方向却太小。"],
  "batch-too-small": ["batch too small", "批量过小", "各批的梯度过于分散, 平均损失不再下降: 每步用更多行会有帮助。"],
  "lr-at-noise-floor": ["rate at the noise floor", "学习率处于噪声下限", "步长大, 噪声也大: 训练在最低点周围打转, 距离由学习率决定。"],
  "exploding-gradient": ["exploding gradient", "梯度爆炸", "此处梯度过长, 即使学习率的百分之一也会把权重抛开。"],
  overflow: ["overflow", "数值溢出", "大多数行的损失超出了数的范围: 目标或特征过大。"],
  "bad-data": ["bad data", "数据有误", "个别行与其余完全不成比例: 其损失或梯度不是有限数, 或远超其余。"],
  "wrong-gradient": ["the gradient is wrong", "梯度有误", "梯度不是损失的导数: 与差分不符, 没有一步可信。"],
  "needs-more-products": ["needs more measuring", "需要更多测量", "梯度已无所贡献, 而曲率还不够清楚: 极小值还是鞍点, 尚不能断定。"],
  "below-precision": ["below the precision", "低于精度", "要断定所需的量低于数值精度。"],
};

const REMEDIES: Record<string, Pair> = {
  escape: ["Follow the negative curvature out", "沿负曲率方向离开"],
  recycle: ["Give idle units new weights", "给无用的神经元新的权重"],
  lift: ["Split units, then escape", "拆分神经元再离开"],
  "raise-lr": ["Raise the learning rate", "提高学习率"],
  "lower-lr": ["Lower the learning rate", "降低学习率"],
  "decay-lr": ["Let the learning rate decay", "让学习率衰减"],
  "grow-batch": ["Take more rows a step", "增大批量"],
  clip: ["Bound the gradient", "裁剪梯度"],
  standardize: ["Standardise features and target", "标准化特征和目标"],
  "switch-optimizer": ["Switch to another optimizer", "换一种优化器"],
  "roll-back": ["Go back to the last good weights", "回到上一个好的权重"],
  restart: ["Begin anew from other weights", "从其他权重重新开始"],
  stop: ["Stop: nothing is left to gain", "停止: 已无可得"],
};

const STATES: Record<string, Pair> = {
  new: ["new", "新建"],
  running: ["running", "训练中"],
  finished: ["finished", "已完成"],
  stuck: ["stuck", "卡住"],
  diverged: ["diverged", "发散"],
  interrupted: ["interrupted", "已中断"],
};

const SIGNS: Record<string, Pair> = {
  lambda_min: ["smallest eigenvalue of the Hessian", "海森矩阵最小特征值"],
  lambda_max: ["largest eigenvalue of the Hessian", "海森矩阵最大特征值"],
  decrease_escape: ["loss taken off along the way out", "沿出路可降低的损失"],
  decrease_carrying_on: ["loss taken off by carrying on", "继续训练可降低的损失"],
  decrease_line_search: ["loss taken off by the best step", "最佳一步可降低的损失"],
  offered_decrease: ["loss that the gradient still offers", "梯度还能降低的损失"],
  steps_to_leave: ["steps to leave by itself", "自行离开所需步数"],
  gradient_norm: ["gradient norm", "梯度范数"],
  learning_rate: ["learning rate", "学习率"],
  dead_share: ["share of dead units", "死亡神经元比例"],
  saturated_share: ["share of saturated units", "饱和神经元比例"],
  negative_eigenvalues: ["negative eigenvalues", "负特征值个数"],
  constant_loss: ["loss of the best constant", "最佳常数的损失"],
  floor: ["floor of the data", "数据的损失下限"],
  stability_limit: ["limit of stability", "稳定上限"],
  noise_scale: ["noise scale", "噪声尺度"],
  update_ratio: ["update / weight ratio", "更新/权重比"],
  sharpness: ["sharpness", "尖锐度"],
  sharpness_limit: ["what the method bears", "方法可承受的上限"],
  train_loss: ["training loss, all rows", "训练损失 (全部行)"],
  test_loss: ["test loss", "测试损失"],
  mean_loss: ["training loss, mean of batches", "训练损失 (批均值)"],
  batch_loss: ["loss of single batches", "单批损失"],
  gradient_cosine: ["cosine of successive gradients", "相邻梯度夹角余弦"],
  step_cosine: ["cosine of successive steps", "相邻步夹角余弦"],
  unchanged_share: ["share of weights left unchanged", "未改变的权重比例"],
};

export const verdictWord = (name: string): string => say(VERDICTS, name);
export const remedyWord = (name: string): string => say(REMEDIES, name);
export const stateWord = (name: string): string => say(STATES, name);
/** "decrease_carrying_on" has a word or two; others are shown with spaces. */
export const signWord = (name: string): string => (Object.hasOwn(SIGNS, name) ? say(SIGNS, name) : name.replaceAll("_", " "));
export function causeWord(name: string): string {
  const words = Object.hasOwn(CAUSES, name) ? CAUSES[name] : undefined;
  return words ? words[settings.language === "zh" ? 1 : 0] : name;
}
/** The sentence of a verdict: the program's own, or its Chinese by the cause. */
export function sentence(cause: string | null, own: string | null | undefined): string {
  const words = cause !== null && Object.hasOwn(CAUSES, cause) ? CAUSES[cause] : undefined;
  return settings.language === "zh" && words ? words[2] : (own ?? "");
}
