import { main } from "../shared/main.ts";
import { listenForStop } from "../shared/stopSignal.ts";
import { createHost } from "./host.ts";

void main(createHost(listenForStop()));
