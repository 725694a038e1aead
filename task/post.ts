import { post } from "../shared/main.ts";
import { listenForStop } from "../shared/stopSignal.ts";
import { createHost } from "./host.ts";

void post(createHost(listenForStop()));
