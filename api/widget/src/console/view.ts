// The element that each of the five views extends: it renders into the page itself, so that the page's
// style sheet applies, and acts through the console.

import { LitElement, type TemplateResult } from "lit";
import type { Api, ApiError } from "./api.js";
import { type LoaderHost, toApiError } from "./loader.js";
import type { Texts } from "./texts/index.js";

export interface Confirmation {
  title: string;
  note: string;
  action: string;
}

/** What the console does for its views. */
export interface ConsoleHost {
  readonly api: Api;
  readonly texts: Texts;
  /** Asks before something that cannot be undone. */
  confirm(confirmation: Confirmation): Promise<boolean>;
  /** Shows a message, which screen readers speak; errors stay until they are closed. */
  announce(message: string, isError?: boolean): void;
  /** Asks for another key: the service refused this one, or none was sent. */
  onRefused(error: ApiError): void;
}

export abstract class View extends LitElement implements LoaderHost {
  static override properties = {
    host: { attribute: false },
    route: { attribute: false, hasChanged: (now: string[], before?: string[]) => now.join("/") !== before?.join("/") },
  };

  declare host: ConsoleHost;
  /** The parts of the address after the view's name, decoded. */
  declare route: string[];

  get texts(): Texts {
    return this.host.texts;
  }

  get api(): Api {
    return this.host.api;
  }

  override createRenderRoot(): HTMLElement {
    return this;
  }

  abstract override render(): TemplateResult;

  onRefused(error: ApiError): void {
    this.host.onRefused(error);
  }

  /** Runs what a button does; shows its error. Returns whether it succeeded. */
  async act(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.report(toApiError(error));
      return false;
    } finally {
      this.requestUpdate();
    }
  }

  /** Shows an error; asks for a key where it was refused for lack of one. */
  report(error: ApiError): void {
    if (error.status === 401) this.host.onRefused(error);
    else this.host.announce(errorText(error, this.texts), true);
  }
}

export function errorText(error: ApiError, texts: Texts): string {
  if (error.status === 0) return texts.offline;
  return error.detail || (error.code === "file_not_found" ? texts.notOpenable : texts.failed);
}

/** Runs `step` every `ms` until it returns false or the element has left the page. */
export async function poll(element: Element, ms: number, step: () => Promise<boolean>): Promise<void> {
  while (element.isConnected && (await step())) {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}
