// What is used of Plotly, whose parts come without types.
declare module "plotly.js/lib/core" {
  export interface PlotElement extends HTMLElement {
    on(event: string, handler: (data: Record<string, unknown>) => void): void;
    layout: Record<string, unknown>;
  }
  const Plotly: {
    register(parts: unknown[]): void;
    newPlot(element: HTMLElement, data: object[], layout: object, config: object): Promise<PlotElement>;
    react(element: HTMLElement, data: object[], layout: object, config: object): Promise<PlotElement>;
    relayout(element: HTMLElement, change: object): Promise<PlotElement>;
    purge(element: HTMLElement): void;
    Plots: { resize(element: HTMLElement): Promise<void> };
  };
  export default Plotly;
}
declare module "plotly.js/lib/bar" { const part: unknown; export default part; }
declare module "plotly.js/lib/heatmap" { const part: unknown; export default part; }
declare module "plotly.js/lib/contour" { const part: unknown; export default part; }
declare module "plotly.js/lib/surface" { const part: unknown; export default part; }
declare module "plotly.js/lib/scatter3d" { const part: unknown; export default part; }
declare module "plotly.js/lib/locales/zh-cn" { const locale: unknown; export default locale; }
