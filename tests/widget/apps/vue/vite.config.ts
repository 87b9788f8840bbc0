import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const template = { compilerOptions: { isCustomElement: (tag: string) => tag === "footnote-chat" } };

export default defineConfig({ base: "./", plugins: [vue({ template })] });
