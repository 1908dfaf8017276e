import "uplot/dist/uPlot.min.css";
import "./style.css";
import { render } from "preact";
import { App } from "./App.tsx";
import { store } from "./store.ts";

render(<App />, document.getElementById("app")!);
void store.follow();
