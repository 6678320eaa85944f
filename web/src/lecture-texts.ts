// What the lecture says, in both languages.
import { settings } from "./settings";

interface Scene {
  title: string;
  text: string[];
  items?: Record<string, string>;
}

interface Texts {
  scenes: Record<string, Scene>;
  /** What the runs of the first scene are stuck in. */
  stuck: Record<string, string>;
}

const ENGLISH: Texts = {
  stuck: {
    saddle: "a saddle: the gradient is zero, and a way down is there, across",
    minimum: "a local minimum: uphill to all sides, and a lower one elsewhere",
    plateau: "a plateau: the gradient is small, but not zero, and no critical point is near",
    bouncing: "a rate at the limit: the steps jump from wall to wall of the valley",
    crawling: "a rate too small: there is a slope, and hardly a step",
  },
  scenes: {
    stuck: {
      title: "The loss does not fall any more. Why?",
      text: [
        "Five trainings. Each loss soon stands still, and the curves look alike: but the causes differ, and so do the cures. The loss alone does not tell them apart; the gradient and the eigenvalues of the Hessian do.",
        "Guess before you open the answer.",
      ],
    },
    kinds: {
      title: "Critical points: minimum, saddle, maximum",
      text: [
        "Where the gradient is zero, descent stands still. The second derivatives tell what the place is: all eigenvalues of the Hessian positive, a minimum; all negative, a maximum; some of each, a saddle. At a saddle the eigenvector of a negative eigenvalue is the way down.",
      ],
      items: {
        minimum: "Minimum: eigenvalues 2 and 2",
        saddle: "Saddle: eigenvalues −2 and 2. The path starts a hundred-thousandth beside the ridge, comes to the saddle, and leaves it",
        maximum: "Maximum: eigenvalues −2 and −2",
      },
    },
    dimension: {
      title: "One more dimension: the minimum was a saddle",
      text: [
        "The same function twice. With y held at zero the origin is a minimum, and descent ends there. Let y move, too, and the same place is a saddle with lower ground to both sides. Networks have many dimensions: what stops a small one is often a saddle of a larger one.",
      ],
      items: { line: "Along x alone, y = 0: a minimum", plane: "With y: a saddle between two minima" },
    },
    curve: {
      title: "Plateau, saddle point and minimum on one curve",
      text: [
        "From the left: a slope, a plateau at −3 where the gradient is small but not zero, a point at 0 where slope and curvature are both zero, and the minimum at 3. Plain descent is very slow on the plateau and does not get past 0. With momentum the ball rolls over both.",
      ],
    },
    batches: {
      title: "All rows, one row, some rows",
      text: [
        "A line is fitted to 200 points, ten times through the data each. With all rows a step follows the true gradient, but there is one step an epoch. With one row there are 200 noisy ones, and the path jitters about the minimum. A batch of 16 is between the two: nearly straight, and thirteen steps an epoch.",
      ],
    },
    size: {
      title: "What the size of a batch costs",
      text: [
        "A network on 3,200 rows, eight epochs each. A small batch makes many updates an epoch, and gets further with the same data; a large one uses the machine better, so that its epoch takes less time. An update with 64 rows costs far less than 64 updates with one: time does not grow in proportion. What matters in the end is the loss reached in the time that there is.",
      ],
    },
    ball: {
      title: "The ball: momentum rolls through a local minimum",
      text: [
        "Plain descent looks at the slope under its feet and stops in the first hollow. With momentum, m ← λm − αg and θ ← θ + m, a step remembers those before: the ball rolls up the other side, over the hump, and down into the lower minimum. It helps often; it is no promise.",
      ],
    },
    rates: {
      title: "The rate: bouncing, too large, right, crawling",
      text: [
        "A valley, twenty times as steep across as along. A step across multiplies the distance by 1 − 20α: beyond α = 2/20 it grows, just below the path bounces from wall to wall. A rate that is small enough for the wall is slow along the floor: one rate for all parameters cannot be right for both.",
      ],
    },
    adagrad: {
      title: "A rate for each parameter, and Adagrad's fading one",
      text: [
        "Dividing by the size of past gradients makes the same rate fit both directions. Adagrad divides by the root of the sum of all squares since the start: the sum only grows, so its rate only falls, and here it comes to crawl. With the mean of squares since the start (adagrad-rms, the lecture's form) the rate does not fade by itself; RMSProp takes a mean that forgets, and keeps steps of a steady length, so that it ends by bouncing about the minimum at the size of its rate.",
      ],
    },
    optimizers: {
      title: "The same valley: momentum, Adagrad, RMSProp, both together, Adam",
      text: [
        "Momentum without scaling (momentum), scaling without momentum (Adagrad, RMSProp), and momentum with scaling (rmsprop-momentum, Adam). Adam is RMSProp and momentum with their start corrected.",
      ],
      items: {
        valley: "A bent, narrow valley: the floor falls so gently that it is all about going along it",
        bend: "Steep walls, then nearly flat ground, then a narrow minimum",
      },
    },
  },
};

const CHINESE: Texts = {
  stuck: {
    saddle: "鞍点:梯度为零,但侧向有下坡路",
    minimum: "局部极小值:四周皆上坡,而更低处在别的地方",
    plateau: "平坦区:梯度很小但不为零,附近并无临界点",
    bouncing: "学习率处于稳定极限:在谷壁之间来回跳",
    crawling: "学习率过小:坡是有的,步子几乎没有",
  },
  scenes: {
    stuck: {
      title: "损失不再下降。为什么?",
      text: [
        "五次训练。每条损失曲线很快就不再下降,看起来都一样;但原因不同,对策也不同。仅凭损失无法区分,要看梯度与 Hessian 的特征值。",
        "先猜一猜,再打开答案。",
      ],
    },
    kinds: {
      title: "临界点:极小值、鞍点、极大值",
      text: ["梯度为零处,梯度下降便停住。二阶导数说明这是什么地方:Hessian 特征值全为正,是极小值;全为负,是极大值;有正有负,是鞍点。在鞍点,负特征值的特征向量就是下坡的方向。"],
      items: {
        minimum: "极小值:特征值 2 与 2",
        saddle: "鞍点:特征值 −2 与 2。路径从离山脊十万分之一处出发,到达鞍点,然后离开",
        maximum: "极大值:特征值 −2 与 −2",
      },
    },
    dimension: {
      title: "多一个维度:原来的极小值其实是鞍点",
      text: ["同一个函数看两次。固定 y = 0,原点是极小值,下降停在那里。放开 y,同一点便成了鞍点,两侧都有更低处。神经网络维度很多:困住小网络的地方,在更大的网络里往往是鞍点。"],
      items: { line: "只沿 x,y = 0:极小值", plane: "加上 y:两个极小值之间的鞍点" },
    },
    curve: {
      title: "同一条曲线上的平坦区、鞍点与极小值",
      text: ["自左起:一段坡;−3 处的平坦区,梯度很小但不为零;0 处斜率与曲率都为零;3 处是极小值。普通梯度下降在平坦区极慢,也过不了 0。加上动量,小球滚过了这两处。"],
    },
    batches: {
      title: "全部数据、一笔数据、一小批数据",
      text: ["用 200 个点拟合一条直线,各把数据看十轮。用全部数据时,每步沿真实梯度,但一轮只走一步。每次一笔数据,一轮走 200 步,步步带噪声,最后在极小值附近抖动。每批 16 笔居于两者之间:路径几乎是直的,一轮走十三步。"],
    },
    size: {
      title: "批大小的代价",
      text: ["一个网络,3200 笔数据,各训练八轮。小批一轮更新多次,同样的数据走得更远;大批更能利用机器,一轮用时更少。64 笔一批的一次更新,远比 64 次单笔更新便宜:时间并不按比例增长。最终要紧的是:在给定时间内损失能降到多低。"],
    },
    ball: {
      title: "小球:动量滚过局部极小值",
      text: ["普通梯度下降只看脚下的坡,停在第一个坑里。动量法 m ← λm − αg,θ ← θ + m,每一步都记得之前的步子:小球滚上对面的坡,越过小丘,落入更低的极小值。它常常有用,但不是保证。"],
    },
    rates: {
      title: "学习率:来回跳、过大、合适、爬行",
      text: ["一条山谷,横向的曲率是纵向的二十倍。横向每走一步,距离乘以 1 − 20α:α 超过 2/20 就会增大,略小于它则在谷壁间来回跳。对谷壁足够小的学习率,沿谷底又太慢:所有参数共用一个学习率,无法两头兼顾。"],
    },
    adagrad: {
      title: "每个参数各有学习率;Adagrad 的学习率逐渐消失",
      text: ["除以以往梯度的大小,同一个学习率便适合两个方向。Adagrad 除以从头累积的平方和的平方根:和只增不减,学习率只降不升,在这里终于成了爬行。取从头以来平方的平均(adagrad-rms,课上的形式),学习率不会自行消失;RMSProp 取会遗忘的平均,步长保持稳定,最后以学习率的大小在极小值附近来回跳。"],
    },
    optimizers: {
      title: "同一条山谷:动量、Adagrad、RMSProp、二者合用、Adam",
      text: ["只有动量不缩放(momentum);只缩放没有动量(Adagrad、RMSProp);动量加缩放(rmsprop-momentum、Adam)。Adam 就是 RMSProp 加动量,并修正了起步阶段。"],
      items: {
        valley: "弯曲而狭窄的山谷:谷底坡度极缓,关键在于能否沿谷底前进",
        bend: "陡壁之后是几乎平坦的地面,再后是狭窄的极小值",
      },
    },
  },
};

export function lectureTexts(): Texts {
  return settings.language === "zh" ? CHINESE : ENGLISH;
}
