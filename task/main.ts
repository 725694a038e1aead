// biome-ignore-all assist/source/organizeImports: the handlers of a stop must stand before the rest loads
import { stop } from "../shared/stopSignal.ts";
import { main } from "../shared/main.ts";
import { createHost } from "./host.ts";

void main(createHost(stop));
