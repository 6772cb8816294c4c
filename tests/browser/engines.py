# SPDX-License-Identifier: MIT
"""How each browser is started and ended.  Each is a context that gives a
Browser, and leaves no process and no file behind."""

import contextlib
import glob
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import PATIENCE, start_server, stop, wait_until
from marionette import Marionette
from webdriver import Browser, Driver

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",  # it refuses to run as root otherwise
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1000,700",
)
FIREFOX_FLAGS = ("--headless", "--marionette", "--no-remote",
                 "--width", "1000", "--height", "700")
FIREFOX_PREFERENCES = {
    "marionette.port": 0,  # any
    "network.proxy.type": 0,  # none
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "services.settings.server": "",
    "extensions.update.enabled": False,
}
MINI_BROWSERS = ("/usr/lib/*/webkit2gtk-4.*/MiniBrowser",
                 "/usr/lib*/webkit2gtk-4.*/MiniBrowser")


def find(*names):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError(f"{names[0]} is missing: see tools/setup")


@contextlib.contextmanager
def folder():
    """A home of its own for a browser, and its environment."""
    with tempfile.TemporaryDirectory(prefix="silverback-browser-",
                                     ignore_cleanup_errors=True) as home:
        yield home, {**os.environ, "HOME": home, "TMPDIR": home,
                     "XDG_RUNTIME_DIR": home}


@contextlib.contextmanager
def running(command, environment, **options):
    process = subprocess.Popen(command, env=environment, **options)
    try:
        yield process
    finally:
        if process.stdout:
            process.stdout.close()
        stop(process)


@contextlib.contextmanager
def session(driver):
    try:
        yield Browser(driver)
    finally:
        with contextlib.suppress(RuntimeError, OSError):
            driver.send("DeleteSession")
        driver.close()


@contextlib.contextmanager
def chromium():
    browser = find("chromium", "chromium-browser", "google-chrome")
    with folder() as (home, environment), running(
            [find("chromedriver"), "--port=0"], environment,
            stdout=subprocess.PIPE, text=True) as process:
        flags = [*CHROMIUM_FLAGS, f"--user-data-dir={home}/profile"]
        with session(Driver(chromedriver_port(process), PATIENCE, {
                "acceptInsecureCerts": True,
                "goog:chromeOptions": {"binary": browser, "args": flags},
        })) as it:
            yield it


def chromedriver_port(process):
    """It says "... started successfully on port N.", on some line."""
    for line in process.stdout:
        _, mark, port = line.partition("successfully on port ")
        if mark:
            return int(port.strip().rstrip("."))
    raise RuntimeError("chromedriver did not start")


@contextlib.contextmanager
def firefox():
    with folder() as (home, environment):
        profile = pathlib.Path(home, "profile")
        profile.mkdir()
        (profile / "user.js").write_text("".join(
            f'user_pref("{name}", {preference(value)});\n'
            for name, value in FIREFOX_PREFERENCES.items()))
        with running([find("firefox-esr", "firefox"), *FIREFOX_FLAGS,
                      "--profile", str(profile)], environment,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            port = written_number(profile / "MarionetteActivePort")
            with session(Marionette(port, PATIENCE)) as it:
                yield it


def preference(value):
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def written_number(path):
    def there():
        return path.exists() and path.read_text().strip()
    if not wait_until(there):
        raise RuntimeError("firefox did not start")
    return int(there())


@contextlib.contextmanager
def webkit():
    """Its window needs a screen, so it gets one that nobody sees."""
    found = sorted(path for pattern in MINI_BROWSERS
                   for path in glob.glob(pattern))
    if not found:
        raise FileNotFoundError("MiniBrowser is missing: see tools/setup")
    with folder() as (_, environment), screen(environment) as display:
        environment["DISPLAY"] = display
        with driver_of_webkit(environment) as port, session(
                Driver(port, PATIENCE, {
                    "acceptInsecureCerts": True,
                    "webkitgtk:browserOptions": {
                        "binary": found[-1], "args": ["--automation"]},
                })) as it:
            yield it


@contextlib.contextmanager
def screen(environment):
    reading, writing = os.pipe()
    with open(reading) as numbers, running(
            [find("Xvfb"), "-displayfd", str(writing), "-screen", "0",
             "1000x700x24", "-nolisten", "tcp"],
            environment, pass_fds=[writing], stderr=subprocess.DEVNULL):
        os.close(writing)
        yield ":" + numbers.readline().strip()


@contextlib.contextmanager
def driver_of_webkit(environment):
    """It takes no port 0, and does not say when it listens."""
    process, port = start_server(
        lambda port: [find("WebKitWebDriver"), f"--port={port}"],
        env=environment, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        stop(process)


ENGINES = {"chromium": chromium, "firefox": firefox, "webkit": webkit}
