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

const CAUSES: Record<string, Pair> = {
  "edge-of-stability": ["at the edge of stability", "处于稳定边缘"],
  converged: ["converged", "已收敛"],
  "flat-valley": ["in a flat valley", "位于平坦的谷底"],
  irreducible: ["the floor of the data", "已达数据的下限"],
  local: ["a local minimum; a lower one is known", "局部极小值, 已知有更低的点"],
  "negative-curvature": ["negative curvature", "负曲率"],
  "symmetric-units": ["units are equal", "神经元相同"],
  "negative-definite": ["every direction leads down", "各方向都向下"],
  "dead-units": ["dead units", "神经元死亡"],
  "saturated-units": ["saturated units", "神经元饱和"],
  "vanishing-gradient": ["the gradient vanishes", "梯度消失"],
  "constant-predictor": ["predicts a constant", "只预测常数"],
  "frozen-arithmetic": ["rounding takes the steps away", "更新被舍入掉"],
  flat: ["flat", "平坦"],
  "lr-above-stability": ["learning rate too large", "学习率过大"],
  "momentum-too-high": ["momentum too high", "动量过大"],
  "lr-too-small": ["learning rate too small", "学习率过小"],
  "lr-decayed": ["learning rate has decayed", "学习率已衰减殆尽"],
  "ill-conditioned": ["badly conditioned", "条件数过大"],
  "batch-too-small": ["batch too small", "批量过小"],
  "lr-at-noise-floor": ["rate at the noise floor", "学习率处于噪声下限"],
  "exploding-gradient": ["exploding gradient", "梯度爆炸"],
  overflow: ["overflow", "数值溢出"],
  "bad-data": ["bad data", "数据有误"],
  "wrong-gradient": ["the gradient is wrong", "梯度有误"],
  "needs-more-products": ["needs more measuring", "需要更多测量"],
  "below-precision": ["below the precision", "低于精度"],
};

const REMEDIES: Record<string, Pair> = {
  escape: ["Follow the negative curvature out", "沿负曲率方向离开"],
  recycle: ["Give idle or equal units new weights", "给无用或相同的神经元新的权重"],
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

/** What happened to a run; its English is the program's own. */
const EVENTS: Record<string, Pair> = {
  converged: ["converged", "已收敛"],
  diverged: ["diverged", "发散"],
  extended: ["extended", "延长"],
  failed: ["failed", "失败"],
  interrupted: ["interrupted", "中断"],
  "learning-rate": ["learning rate", "学习率"],
  "not-converged": ["not converged", "未收敛"],
  remedy: ["remedy", "办法"],
  resumed: ["resumed", "继续"],
  stalled: ["stalled", "停滞"],
  stuck: ["stuck", "卡住"],
  unstick: ["unstick", "脱困"],
};

/** Of a step, where the numbers ended. */
const PARTS: Record<string, Pair> = {
  loss: ["loss", "损失"],
  gradient: ["gradient", "梯度"],
  update: ["update", "更新"],
  step: ["step", "步"],
};

const SIGNS: Record<string, Pair> = {
  lambda_min: ["smallest eigenvalue of the Hessian", "Hessian 最小特征值"],
  lambda_max: ["largest eigenvalue of the Hessian", "Hessian 最大特征值"],
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
  floor: ["floor of the data", "数据的损失下限"],
  stability_limit: ["limit of stability", "稳定上限"],
  noise_scale: ["noise scale", "噪声尺度"],
  update_norm: ["length of the step", "步长"],
  weight_norm: ["length of the weights", "权重的长度"],
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
  condition: ["condition number", "条件数"],
  constant_loss: ["loss of the best constant", "最佳常数的损失"],
  dead_share_rows: ["rows that dead units were looked for on", "检查死亡神经元所用的行数"],
  decrease_calm: ["gain of less momentum", "减小动量可降低的损失"],
  decrease_fresh: ["gain of a fresh state", "状态清零可降低的损失"],
  decrease_quiet: ["gain of a tenth of the rate", "学习率降为十分之一可降低的损失"],
  decrease_slow: ["loss taken off along slow directions", "沿慢方向可降低的损失"],
  effective_rate: ["step over gradient", "有效学习率 (步长/梯度)"],
  escape_component: ["way already gone along the way out", "沿出路已走的距离"],
  evaluation_form: ["evaluation form", "评估形式"],
  finite_at_clip: ["bound on the gradient that stays finite", "保持有限的梯度上限"],
  finite_at_rate: ["rate that stays finite", "保持有限的学习率"],
  frozen_share: ["share of frozen parameters", "冻结参数的比例"],
  gradient_disagreement: ["gradient against differences", "梯度与差分的偏差"],
  hessian_disagreement: ["Hessian products against differences", "Hessian 积与差分的偏差"],
  line_search_rate: ["rate of the best step", "最佳一步的学习率"],
  loss_slope: ["slope of the loss", "损失的斜率"],
  loss_slope_high: ["slope of the loss, upper end", "损失斜率的上界"],
  loss_slope_low: ["slope of the loss, lower end", "损失斜率的下界"],
  lower_loss: ["lowest loss known", "已知的最低损失"],
  noise_trend: ["trend of the loss without noise", "扣除噪声后的损失趋势"],
  nonfinite: ["values that are not finite", "非有限值个数"],
  reach: ["loss within reach at this pace", "按目前速度可及的损失"],
  resolution: ["resolution of eigenvalues", "特征值的分辨率"],
  rises: ["share of steps that rise", "上升步的比例"],
  row_dominance: ["weight of the worst row", "最差一行的分量"],
  rows_not_finite: ["rows that are not finite", "非有限的行数"],
  saddle_distance: ["distance of the saddle", "到鞍点的距离"],
  sharp_projection: ["step along the sharpest direction", "步在最陡方向的投影"],
  sharpness_preconditioned: ["sharpness as the rule sees it", "规则所见的尖锐度"],
  signal_fade: ["fading of the gradient", "梯度的衰减"],
  steps_carrying_on: ["steps carried on", "继续训练的步数"],
  symmetric_units: ["equal units", "相同的神经元"],
  trend_carrying_on: ["trend of carrying on", "继续训练的趋势"],
  worst_row: ["worst row", "最差的行"],
  zero_eigenvalues: ["zero eigenvalues", "零特征值个数"],
};

export const verdictWord = (name: string): string => say(VERDICTS, name);
export const remedyWord = (name: string): string => say(REMEDIES, name);
export const partWord = (name: string): string => say(PARTS, name);
export const stateWord = (name: string): string => say(STATES, name);
/** "decrease_carrying_on" has a word or two; others are shown with spaces. */
export const signWord = (name: string): string => (Object.hasOwn(SIGNS, name) ? say(SIGNS, name) : name.replaceAll("_", " "));
export const causeWord = (name: string): string => say(CAUSES, name);
export const eventWord = (name: string): string => (Object.hasOwn(EVENTS, name) ? say(EVENTS, name) : name.replaceAll("-", " "));

/** A name that stands in a sentence: of a remedy, a cause or a verdict. */
export function anyWord(name: string): string {
  const words = [REMEDIES, CAUSES, VERDICTS].find((w) => Object.hasOwn(w, name));
  return words ? say(words, name) : name;
}
