from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edged.config import load, load_text
from edged.core.errors import ConfigError

if TYPE_CHECKING:
    from edged.config import Settings

MODEL = '[model]\nfile = "model.onnx"\n'
CAMERA = '[cameras.front]\nurl = "rtsp://10.0.0.1/s"\n'


class Box:
    """A folder with a model in it, and an environment."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "edged.toml"
        self.environ: dict[str, str] = {}
        self.write("model.onnx", "network")

    def write(self, name: str, text: str) -> Path:
        file = self.file.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def credential(self, name: str, text: str) -> None:
        self.environ["CREDENTIALS_DIRECTORY"] = str(self.write(f"credentials/{name}", text).parent)

    def load(self, text: str = "", **environ: str) -> Settings:
        return load_text(MODEL + text, self.file, {**self.environ, **environ})

    def problems(self, text: str = "", **environ: str) -> list[str]:
        """What is wrong with a configuration, without the name of the file."""
        return self.problems_of(MODEL + text, **environ)

    def problems_of(self, text: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load_text(text, self.file, {**self.environ, **environ})
        assert "\n".join(caught.value.problems) == str(caught.value)
        return [each.removeprefix(f"{self.file}").removeprefix(": ") for each in caught.value.problems]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


# --- what each kind of mistake is told ---


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[mqtt]\nport = 70000", "mqtt.port = 70000: expected at most 65535"),
        ("[mqtt]\nport = 0", "mqtt.port = 0: expected at least 1"),
        ('[mqtt]\nport = "mqtt"', "mqtt.port = 'mqtt': expected a whole number"),
        ("[mqtt]\nkeepalive_s = 1.5", "mqtt.keepalive_s = 1.5: expected a whole number"),
        ("[mqtt]\ntls = 3", "mqtt.tls = 3: expected true or false"),
        ("[mqtt]\nusername = 3", "mqtt.username = 3: expected text in quotes"),
        ("[mqtt]\nusername = true", "mqtt.username = true: expected text in quotes"),
        ('[mqtt]\nclient_id = ""', "mqtt.client_id = '': expected at least one character"),
        ('[mqtt]\nca_file = "no.pem"\ntls = true', "no.pem': no such file"),
        ("[detect]\nfps = 99", "detect.fps = 99: expected at most 30.0"),
        ('[detect]\nfps = "fast"', "detect.fps = 'fast': expected a number"),
        ("[detect]\nfps = nan", "detect.fps = nan: expected a number"),
        ("[detect]\nlabels = 3", "detect.labels = 3: expected a list in brackets"),
        ("[detect]\nlabels = [3]", "detect.labels = 3: expected text in quotes"),
        ("[track]\nlow_threshold = 0.05", "track.low_threshold = 0.05: expected at least 0.1"),
        ('[box]\nid = "my box"', "box.id = 'my box': expected letters, digits, _ and -"),
        (f'[box]\nid = "{65 * "x"}"', "expected at most 64 characters"),
        ("[box]\nid = 2026-01-01", "box.id: expected text in quotes"),
        (
            '[log]\nlevel = "inf"',
            "log.level = 'inf': expected 'debug', 'info', 'warning' or 'error'; did you mean info?",
        ),
        (CAMERA + 'transport = "tpc"', "expected 'tcp' or 'udp'; did you mean tcp?"),
        (
            CAMERA + 'hardware = "VA API"',
            "expected lower-case letters and digits, such as none, auto or cuda",
        ),
        ("[cameras.front]", 'cameras.front.url: missing: give url = "rtsp://…" or url_file'),
        ('[cameras."a b"]\nurl = "rtsp://h/s"', "cameras.a b: expected an id of letters, digits, _ and -"),
        ('[mqtt]\nhost = "mqtt://h"', "expected a host name or an IP address alone"),
        ('[mqtt]\nhost = "h:1883"', "expected a host name or an IP address alone"),
        ('[mqtt]\nhost = ""', "expected a host name or an IP address alone"),
        (
            '[mqtt]\ncert_file = "model.onnx"\ntls = true',
            "expected cert_file and key_file together, or neither",
        ),
        ('[mqtt]\nca_file = "model.onnx"', "mqtt: expected tls = true when ca_file or cert_file is given"),
    ],
)
def test_a_mistake_is_told_with_key_value_and_what_was_expected(box: Box, text: str, problem: str) -> None:
    (found,) = box.problems(text)
    assert problem in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mqtt = 5", "mqtt = 5: expected a table: write [mqtt] on a line of its own and its keys below"),
        ("cameras = 3", "cameras = 3: expected a table: write [cameras.front] on a line of its own"),
        ('[[cameras]]\nurl = "rtsp://u:secret@h"', "cameras: expected a table: write [cameras.front]"),
        ("[cameras]\nfront = 3", "cameras.front = 3: expected a table: write [cameras.front]"),
        (
            '[cameras]\nfront = "rtsp://u:secret@h/s"',
            "'rtsp://***@h/s': expected a table: write [cameras.front]",
        ),
        ("[[mqtt]]\nport = 1", "mqtt: expected a table: write [mqtt]"),
        (CAMERA + "detect = 3", "cameras.front.detect = 3: expected a table: write [cameras.front.detect]"),
        ("detect = 3\n" + CAMERA, "detect = 3: expected a table: write [detect]"),
    ],
)
def test_what_should_be_a_table_and_is_not(box: Box, text: str, problem: str) -> None:
    (found,) = box.problems_of(text + "\n" + MODEL)
    assert found.startswith(problem) or problem in found
    assert "secret" not in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "model: missing: give file ="),
        ("[model]", "model.file: missing: give file ="),
        ('[model]\nfile = "no.onnx"', "no.onnx': no such file"),
        ("[model]\nfile = 3", "model.file = 3: expected the path of a file, in quotes"),
        (MODEL + "input_size = 640", "model.input_size = 640: expected a list in brackets"),
        (MODEL + "input_size = [640]", "model.input_size: expected two numbers, as in [640, 384]"),
        (MODEL + "input_size = [640, 384, 3]", "model.input_size: expected two numbers, as in [640, 384]"),
        (MODEL + "input_size = [640, 100]", "model.input_size = 100: expected a multiple of 32"),
        (MODEL + 'providers = ["cda"]', "model.providers = 'cda': expected 'cpu', 'openvino', 'cuda' or"),
    ],
)
def test_mistakes_about_the_model(box: Box, text: str, problem: str) -> None:
    (found,) = box.problems_of(text)
    assert problem in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[mqtt]\nhots = "h"', "mqtt.hots: unknown key; did you mean host?"),
        ('[mqtt]\nHost = "h"', "mqtt.Host: unknown key; did you mean host?"),
        ('[mqtt]\npasswordfile = "h"', "mqtt.passwordfile: unknown key; did you mean password_file?"),
        ("[mqt]", "mqt: unknown key; did you mean mqtt?"),
        ("[camera.front]", "camera: unknown key; did you mean cameras?"),
        (CAMERA + 'urll = "h"', "cameras.front.urll: unknown key; did you mean url?"),
        (
            CAMERA + "[cameras.front.detect]\nfsp = 3",
            "cameras.front.detect.fsp: unknown key; did you mean fps?",
        ),
        (
            '[cameras.detect]\nurl = "rtsp://h"\nnam = "x"',
            "cameras.detect.nam: unknown key; did you mean name?",
        ),
        ("[log]\nzzz = 3", "log.zzz: unknown key; known here: level"),
    ],
)
def test_an_unknown_key_is_guessed(box: Box, text: str, problem: str) -> None:
    assert box.problems(text) == [problem]


def test_everything_wrong_is_said_at_once(box: Box) -> None:
    found = box.problems(
        '[mqtt]\nport = 0\nhots = "x"\n[detect]\nfps = 99\n[log]\nlevel = "x"\n'
        '[cameras.a]\n[cameras.b]\nurl = "ftp://h"\n[cameras.status]\nurl = "rtsp://h"\n',
        EDGED_MQTT_HOST="h",
    )
    assert len(found) == 8


def test_what_a_camera_inherits_is_reported_where_it_was_written(box: Box) -> None:
    cameras = "".join(f'[cameras.c{n}]\nurl = "rtsp://h"\n' for n in range(3))
    assert box.problems(f"{cameras}[detect]\nfps = 99\n") == ["detect.fps = 99: expected at most 30.0"]
    own = box.problems(f"{cameras}[cameras.c1.detect]\nfps = 98\n[detect]\nfps = 99\n")
    assert own == [
        "detect.fps = 99: expected at most 30.0",
        "cameras.c1.detect.fps = 98: expected at most 30.0",
    ]


def test_a_camera_has_its_own_settings_over_the_common_ones(box: Box) -> None:
    settings = box.load(
        "[detect]\nfps = 2.5\nconfidence = 0.6\n[track]\nlost_track_buffer_s = 9\n"
        + CAMERA
        + "[cameras.front.detect]\nfps = 10\n[cameras.back]\nurl = '/dev/video0'\n"
    )
    front, back = settings.cameras["front"], settings.cameras["back"]
    assert (front.detect.fps, front.detect.confidence, front.track.lost_track_buffer_s) == (10, 0.6, 9)
    assert (back.detect.fps, back.detect.confidence) == (2.5, 0.6)


def test_a_track_must_outlive_the_time_between_two_passes(box: Box) -> None:
    (found,) = box.problems("[detect]\nfps = 0.2\n" + CAMERA)
    assert found.startswith("cameras.front: expected track.lost_track_buffer_s of at least 5 s")
    assert box.load("[detect]\nfps = 0.5\n" + CAMERA).cameras["front"].track.lost_track_buffer_s == 2.0


@pytest.mark.parametrize("camera_id", ["set", "status", "health"])
def test_ids_that_are_topics_of_the_box_are_refused(box: Box, camera_id: str) -> None:
    text = f'[cameras.{camera_id}]\nurl = "rtsp://h"\ntransport = "x"'
    first, second = box.problems(text)
    assert first == f"cameras.{camera_id}: a topic of the box has this name: choose another id"
    assert second.startswith(f"cameras.{camera_id}.transport")


@pytest.mark.parametrize("topic", ["a/+/b", "#", "/a", "a/", "$SYS", "a\\u0000", ""])
def test_a_base_topic_that_a_broker_would_refuse(box: Box, topic: str) -> None:
    (found,) = box.problems(f'[mqtt]\nbase_topic = "{topic}"')
    assert "expected a topic without wildcards" in found


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.lan"])
def test_an_address_that_others_reach_needs_a_token(box: Box, host: str) -> None:
    text = f'[http]\nhost = "{host}"\n'
    assert box.problems(text) == [
        f"http: expected token_file (or token) because host {host} can be reached from other machines"
    ]
    assert box.load(text + 'token = "0123456789abcdef"').http.token
    assert box.load(text + "enabled = false").http.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_token(box: Box, host: str) -> None:
    assert box.load(f'[http]\nhost = "{host}"').http.token is None


def test_what_follows_from_the_box(box: Box) -> None:
    settings = box.load('[box]\nid = "porch"')
    assert settings.base_topic == "edged/porch"
    assert settings.client_id == "edged-porch"
    assert settings.mqtt.port_in_use == 1883
    assert box.load("[mqtt]\ntls = true").mqtt.port_in_use == 8883
    assert box.load("[mqtt]\ntls = true\nport = 1").mqtt.port_in_use == 1
    assert box.load('[mqtt]\nbase_topic = "a/b"').base_topic == "a/b"


# --- the file itself ---


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[mqtt\n", ":1: [mqtt: Expected ']' at the end of a table declaration"),
        ("\n\n[mqtt]\nhost = h\n", ":4: host: not a value: text needs quotes around it"),
        ("[mqtt]\n[mqtt]\n", ":2: [mqtt: stands here for the second time: keep one"),
        ('[mqtt]\npassword = "hunter2\n', ":2: password: "),
        ("[mqtt]\npassword hunter2\n", ":2: Expected '='"),
        ('[mqtt]\npassword = hunter2"\n', ":2: password: not a value"),
        ("[mqtt]\npassword = 'a' hunter2\n", ":2: password: "),
        ('[mqtt]\npassword = """a\nhunter2', ":3: Unterminated string"),
        ("hunter2\x0b\x0c\n[x", ":1: "),
        ("=", ":1: "),
    ],
)
def test_what_is_no_toml_is_told_by_line_and_key_and_never_by_content(
    box: Box, text: str, problem: str
) -> None:
    (found,) = box.problems_of(text)
    assert found.startswith(problem)
    assert "hunter2" not in found


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: no such file: write one .* or name it with --config"):
        load(tmp_path / "no.toml", {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://",
        "rtsp:///stream",
        "rtsp://u:p/5550123@h/s",
        "rtsp://u:p#5550123@h/s",
        "http://u:p?5550123@h/s",
        "rtsp://u:5550123@h:99999/s",
        "rtsp://u:5550123@h:x/s",
        "rtsp://u:5550123@h/s 1",
    ],
)
def test_an_address_that_leads_nowhere(box: Box, url: str) -> None:
    (found,) = box.problems(f'[cameras.front]\nurl = "{url}"')
    assert ": expected a host after the user and password, as in rtsp://" in found
    assert "5550123" not in found


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://u:p%2F%23@h:554/s?a=b",
        "rtsp://u:p@ss@h/s",
        "rtsps://[fd00::1]:322/s",
        "http://h/@s",
        "/dev/video0",
        "file:///a b.mp4",
    ],
)
def test_addresses_of_cameras(box: Box, url: str) -> None:
    assert box.load(f'[cameras.front]\nurl = "{url}"').cameras["front"].url == url


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(box: Box) -> None:
    box.write("edged.toml", MODEL).chmod(0)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        load(box.file, {})


def test_a_file_in_another_encoding(box: Box) -> None:
    box.file.write_bytes(b'[box]\nid = "T\xfcr"\n')
    with pytest.raises(ConfigError, match="is not text in UTF-8: save it as UTF-8"):
        load(box.file, {})


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_files_from_other_systems(box: Box, end: str, mark: bytes) -> None:
    text = (MODEL + CAMERA + 'name = "Tür"\n').replace("\n", end)
    box.file.write_bytes(mark + text.encode())
    assert load(box.file, {}).cameras["front"].name == "Tür"


def test_paths_start_from_the_folder_of_the_file(box: Box) -> None:
    box.write("sub/labels.txt", "person")
    box.write("ca.pem", "ca")
    settings = box.load('labels_file = "sub/labels.txt"\n[mqtt]\ntls = true\nca_file = "ca.pem"')
    assert settings.model.file == box.file.parent / "model.onnx"
    assert settings.model.labels_file == box.file.parent / "sub/labels.txt"
    assert settings.mqtt.ca_file == box.file.parent / "ca.pem"
    absolute = load_text(f'[model]\nfile = "{box.file.parent}/model.onnx"', Path("/elsewhere/edged.toml"), {})
    assert absolute.model.file == settings.model.file


def test_a_home_that_is_not_there_is_a_missing_file(box: Box) -> None:
    (found,) = box.problems_of('[model]\nfile = "~nobody-of-this-name/m.onnx"')
    assert found.endswith("no such file")


# --- the environment ---


def test_the_environment_wins_over_the_file(box: Box) -> None:
    settings = box.load(
        '[mqtt]\nhost = "a"\n' + CAMERA,
        EDGED_MQTT__HOST="b.lan",
        EDGED_MQTT__PORT="1999",
        EDGED_MQTT__ENABLED="false",
        EDGED_DETECT__FPS="2.5",
        EDGED_DETECT__LABELS='["cat", "dog"]',
        EDGED_MODEL__INPUT_SIZE="[640, 384]",
        EDGED_CAMERAS__FRONT__DETECT__FPS="7",
        EDGED_CAMERAS__FRONT__NAME="Front door",
        UNRELATED="x",
        EDGED_TEST_DATA="x",
    )
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.enabled) == ("b.lan", 1999, False)
    assert settings.detect.labels == ("cat", "dog")
    assert settings.model.input_size == (640, 384)
    front = settings.cameras["front"]
    assert (front.detect.fps, front.detect.labels, front.name) == (7, ("cat", "dog"), "Front door")
    assert settings.detect.fps == 2.5


@pytest.mark.parametrize("text", ["0815", "true", "[1]", "2026-01-01", '"quoted"', "a = b", "${NO}"])
def test_text_from_the_environment_is_taken_as_it_is(box: Box, text: str) -> None:
    settings = box.load(EDGED_MQTT__PASSWORD=text, EDGED_MQTT__USERNAME=text)
    assert settings.mqtt.username == text
    assert settings.mqtt.password
    assert settings.mqtt.password.get_secret_value() == text


@pytest.mark.parametrize("camera_id", ["Front-Door", "front_door", "FRONT-DOOR"])
def test_ids_with_capitals_and_dashes_are_found(box: Box, camera_id: str) -> None:
    settings = box.load(
        f'[cameras.{camera_id}]\nurl = "rtsp://a"', EDGED_CAMERAS__FRONT_DOOR__URL="rtsp://b/from-environment"
    )
    assert [(key, each.url) for key, each in settings.cameras.items()] == [
        (camera_id, "rtsp://b/from-environment")
    ]


def test_a_camera_can_come_from_the_environment_alone(box: Box) -> None:
    assert box.load(EDGED_CAMERAS__BACK__URL="rtsp://h/s").cameras["back"].url == "rtsp://h/s"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("EDGED_MQTT__PORT", "x", "environment: EDGED_MQTT__PORT = 'x': expected a whole number"),
        ("EDGED_MQTT__HOTS", "x", "environment: EDGED_MQTT__HOTS: unknown key; did you mean host?"),
        ("EDGED_MQT__HOST", "x", "environment: EDGED_MQT__HOST: unknown key; did you mean mqtt?"),
        ("EDGED_MQTT_HOST", "x", "environment: EDGED_MQTT_HOST: unknown; did you mean EDGED_MQTT__HOST?"),
        (
            "EDGED_DETECT__LABELS",
            "cat",
            "environment: EDGED_DETECT__LABELS = 'cat': expected a list in brackets",
        ),
        (
            "EDGED_CAMERAS__A__URL",
            "s3cret@h",
            "environment: EDGED_CAMERAS__A__URL = ***: expected an address",
        ),
    ],
)
def test_a_mistake_in_the_environment_is_told_by_its_variable(
    box: Box, name: str, value: str, problem: str
) -> None:
    (found,) = box.problems("", **{name: value})
    assert found.startswith(problem)
    assert "s3cret" not in found


def test_a_variable_that_goes_through_a_value(box: Box) -> None:
    (found,) = box.problems("", EDGED_MODEL__FILE__NAME="x")
    assert found.startswith("environment: EDGED_MODEL__FILE__NAME: model.file is not a section in")


def test_variables_inside_of_strings(box: Box) -> None:
    settings = box.load(
        '[cameras.front]\nurl = "rtsp://${USER_}:${PASS}@h/s"\n[detect]\nlabels = ["${ONE}", "x"]',
        USER_="viewer",
        PASS="p${ONE}q",
        ONE="cat",
    )
    assert settings.cameras["front"].url == "rtsp://viewer:p${ONE}q@h/s"  # once, not again
    assert settings.detect.labels == ("cat", "x")


def test_a_variable_that_is_not_set(box: Box) -> None:
    assert box.problems('[mqtt]\nport = "${NO}"\nhost = "${NEITHER}"') == [
        "mqtt.port: ${NO} is not set in the environment",
        "mqtt.host: ${NEITHER} is not set in the environment",
    ]
    assert box.problems('[detect]\nlabels = ["x", "${NO}"]') == [
        "detect.labels.1: ${NO} is not set in the environment"
    ]


# --- secrets ---


def test_secrets_from_files(box: Box) -> None:
    box.write("secrets/mqtt", "\ufeffhunter2\r\n")
    box.write("secrets/url", "rtsp://u:hunter2@h/s\n")
    box.write("secrets/token", "0123456789abcdef\n")
    settings = box.load(
        '[mqtt]\npassword_file = "secrets/mqtt"\n[http]\ntoken_file = "secrets/token"\n'
        '[cameras.front]\nurl_file = "secrets/url"\ndetect_url_file = "secrets/url"\n'
    )
    check_secrets(settings)
    assert settings.cameras["front"].detect_url == "rtsp://u:hunter2@h/s"


def test_secrets_from_credentials(box: Box) -> None:
    box.credential("mqtt.password", "hunter2\n")
    box.credential("http.token", "0123456789abcdef")
    box.credential("cameras.front.url", "rtsp://u:hunter2@h/s")
    check_secrets(box.load("[cameras.front]\n"))


def check_secrets(settings: Settings) -> None:
    assert settings.mqtt.password
    assert settings.mqtt.password.get_secret_value() == "hunter2"
    assert settings.http.token
    assert settings.http.token.get_secret_value() == "0123456789abcdef"
    assert settings.cameras["front"].url == "rtsp://u:hunter2@h/s"
    for text in (repr(settings), str(settings), repr(settings.cameras), repr(settings.mqtt)):
        assert "hunter2" not in text
        assert "0123456789abcdef" not in text


def test_what_the_file_says_wins_over_a_credential(box: Box) -> None:
    box.credential("mqtt.password", "other")
    settings = box.load('[mqtt]\npassword = "mine"')
    assert settings.mqtt.password
    assert settings.mqtt.password.get_secret_value() == "mine"


@pytest.mark.parametrize("first", ['password = "hunter2"', 'password_file = "secret"'])
@pytest.mark.parametrize("variable", ["EDGED_MQTT__PASSWORD", "EDGED_MQTT__PASSWORD_FILE"])
def test_the_environment_wins_whichever_way_a_secret_is_given(box: Box, first: str, variable: str) -> None:
    box.write("secret", "from-file")
    box.write("other", "from-environment")
    value = "other" if variable.endswith("_FILE") else "from-environment"
    settings = box.load(f"[mqtt]\n{first}", **{variable: value})
    assert settings.mqtt.password
    assert settings.mqtt.password.get_secret_value() == "from-environment"


def test_a_secret_given_twice(box: Box) -> None:
    box.write("secret", "hunter2")
    assert box.problems('[mqtt]\npassword = "hunter2"\npassword_file = "secret"') == [
        "mqtt.password_file: given twice: keep password or password_file"
    ]


def test_secret_files_that_cannot_be_used(box: Box) -> None:
    folder = box.file.parent
    box.write("empty", " \n")
    (folder / "binary").write_bytes(b"hunter2\xff\xfe")
    for name, reason in (
        ("no", f"{folder}/no cannot be read: No such file or directory"),
        (".", f"{folder} cannot be read: Is a directory"),
        ("binary", f"{folder}/binary cannot be read: it is not text in UTF-8"),
        ("empty", f"{folder}/empty is empty: write the url into it"),
        ("a\\u0000b", "cannot be read: it is not text in UTF-8"),
    ):
        (found,) = box.problems(f'[cameras.front]\nurl_file = "{name}"')
        assert found.startswith("cameras.front.url_file: ")
        assert found.endswith(reason)


def test_a_secret_file_that_is_not_a_path(box: Box) -> None:
    assert box.problems("[mqtt]\npassword_file = 5") == [
        "mqtt.password_file: expected the path of a file, in quotes"
    ]


def test_a_credential_that_cannot_be_read(box: Box) -> None:
    box.credential("mqtt.password/inner", "x")
    box.environ["CREDENTIALS_DIRECTORY"] = str(box.file.parent / "credentials")
    (found,) = box.problems()
    assert found.startswith("mqtt.password: ")
    assert found.endswith("cannot be read: Is a directory")


@pytest.mark.parametrize(
    "text",
    [
        '[mqtt]\npassword = 5550123\nport = "x"',
        '[mqtt]\npassword = ["5550123"]',
        '[http]\ntoken = "5550123"',
        '[http]\nhost = "0.0.0.0"\ntoken = "5550123"',
        '[mqtt]\npasword = "5550123"',
        '[mqtt]\nhost = "mqtt://user:5550123@h"',
        '[mqtt]\nhost = "user:555@0123:5550123@h"',
        '[mqtt]\nport = "${SECRET}"',
        '[mqtt]\nhost = "mqtt://u:5550123@${SECRET}"',
        '[detect]\nlabels = "${SECRET}"',
        '[detect]\nfps = "${SECRET}0000"',
        '[cameras.a]\nurl = "rtps://u:5550123@h/s"',
        '[cameras.a]\nurl = "u:5550123@h/s"',
        '[cameras.a]\nurl = "rtps://u:p/5550123@h/s"',
        '[cameras.a]\nurl = "htp://h/cgi?user=u&pwd=5550123"',
        '[cameras.a]\nurl = "5550123"',
        "[cameras.a]\nurl = 5550123",
        '[cameras.a]\nurl = ["rtsp://u:5550123@h"]',
        '[cameras.a]\nurl = {user = "5550123"}',
        '[cameras.a]\nurl = "rtsp://h"\ndetect_url = "u:5550123@h"',
        '[cameras]\na = "rtsp://u:5550123@h/s"',
        '[cameras]\na = ["rtsp://u:5550123@h/s"]',
        '[[cameras]]\nurl = "rtsp://u:5550123@h/s"',
        'cameras = ["rtsp://u:5550123@h/s"]',
        '[cameras.a]\nurl = "${SECRET}"',
        "[mqtt]\npassword = 5550123 x",
        "[mqtt]\npassword = '5550123\n",
    ],
)
def test_no_problem_shows_a_secret(box: Box, text: str) -> None:
    found = box.problems_of(f"{text}\n{MODEL}", SECRET="5550123")
    assert found
    assert "5550123" not in "\n".join(found)


SQUARE = "[[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "zones.porch]\npolygon = [[0, 0], [640, 0], [0, 0.5]]",
            "zones.porch.polygon = 640: expected fractions of the frame, from 0 at its left or upper edge",
        ),
        (
            "zones.porch]\npolygon = [[0, 0], [1, 1]]",
            "zones.porch.polygon: expected 3 to 50 corners, as in [[",
        ),
        (
            "zones.porch]\npolygon = [[0, 0], [1, 1], [1, 0], [0, 1]]",
            "zones.porch.polygon: expected corners in the order in which one walks around",
        ),
        (
            "zones.porch]\npolygon = [[0, 0], [1, 1], [0.5, 0.5]]",
            "zones.porch.polygon: expected corners in the",
        ),
        (
            "zones.porch]\npolygon = [[0, 0], [1], [0, 1]]",
            "zones.porch.polygon: expected two numbers, as in [0.25, 0.75]",
        ),
        (f"zones.porch]\npolygn = {SQUARE}", "zones.porch.polygn: unknown key; did you mean polygon?"),
        (
            f'zones."my porch"]\npolygon = {SQUARE}',
            "zones.my porch: expected an id of letters, digits, _ and -",
        ),
        (
            "lines.gate]\nstart = [0.5, 0]\nend = [0.5, 0]",
            "lines.gate: expected start and end at different places",
        ),
        (
            'lines.gate]\nstart = [0.5, 0]\nend = [0.5, 1]\nto_left = "in"',
            "lines.gate: expected to_right and to_left with different names",
        ),
    ],
)
def test_a_place_that_cannot_be_is_refused_with_what_would_have_been(
    box: Box, text: str, problem: str
) -> None:
    found = box.problems(f"{CAMERA}[cameras.front.{text}\n")
    assert any(each.startswith(f"cameras.front.{problem}") for each in found), found


def test_places_can_be_set_from_the_environment(box: Box) -> None:
    settings = box.load(CAMERA, EDGED_CAMERAS__FRONT__ZONES__PORCH__POLYGON=SQUARE)
    assert settings.cameras["front"].zones["porch"].polygon[1] == (0.5, 0.0)
