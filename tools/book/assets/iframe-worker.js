/* SPDX-License-Identifier: MIT */
/* The search runs in a worker, and browsers start none from file:// : there a
 * hidden frame does its work. */
if (location.protocol === "file:")
    window.Worker = class extends EventTarget {
        constructor(url) {
            super();
            this.frame = document.createElement("iframe");
            this.frame.hidden = true;
            this.ready = new Promise((ready) => {
                this.frame.onload = () => this.load(url, ready);
            });
            document.body.append(this.frame);
        }

        load(url, ready) {
            const inside = this.frame.contentWindow;
            const script = inside.document.createElement("script");

            inside.postMessage = (data) =>
                this.dispatchEvent(new MessageEvent("message", { data }));
            script.src = url;
            script.onload = ready;
            inside.document.body.append(script);
        }

        async postMessage(data) {
            await this.ready;
            this.frame.contentWindow.dispatchEvent(
                new MessageEvent("message", { data }));
        }

        terminate() {
            this.frame.remove();
        }
    };
