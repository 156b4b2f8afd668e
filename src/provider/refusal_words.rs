//! Classifies the text of a refusal: whether it is about the message, or about a problem between the provider and the
//! channel. `docs/outcomes.md` describes the classes.

/// The words of a response, for searching. Text counts as a refusal only if it is about the message itself: words about
/// a connection, time or load may come after the message was passed on.
pub(super) struct Words(String);

impl Words {
    pub(super) fn of(message: &str) -> Self {
        Self(without_names(message).to_lowercase())
    }

    /// Returns the words of a body that is not the provider's, in which nothing is a name.
    pub(super) fn of_body(body: &str) -> Self {
        Self(body.to_lowercase())
    }

    /// Whether it names a part of the message and a fault in it.
    pub(super) fn are_about_the_message(&self) -> bool {
        self.have(PARTS) && self.have(FAULTS) || self.have(NOT_REACHABLE)
    }

    /// Whether it describes a problem between the provider and the recipient.
    pub(super) fn describe_trouble(&self) -> bool {
        self.describe_lost_connection() || self.have(TROUBLE)
    }

    /// Whether it is about a connection, time or load, even if its code means a refusal.
    pub(super) fn describe_lost_connection(&self) -> bool {
        self.have(LOST_WAY)
    }

    /// Whether one of the patterns matches: `=word` a whole word, `-word` the start of a word, others anywhere.
    pub(super) fn have(&self, patterns: &[&str]) -> bool {
        patterns.iter().any(|pattern| match (pattern.strip_prefix('='), pattern.strip_prefix('-')) {
            (Some(word), _) => self.has(word, true, true),
            (_, Some(start)) => self.has(start, true, false),
            _ => self.0.contains(pattern),
        })
    }

    pub(super) fn has(&self, word: &str, starts: bool, ends: bool) -> bool {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.0.match_indices(word).any(|(at, _)| {
            let (before, after) = (&self.0[..at], &self.0[at + word.len()..]);
            !(starts && before.ends_with(inside) || ends && after.starts_with(inside))
        })
    }
}

/// Parts of a message that a channel checks.
const PARTS: &[&str] = &[
    "-template",
    "-param",
    "-variable",
    "-placeholder",
    "-recipient",
    "-phone",
    "-msisdn",
    "=number",
    "=numbers",
    "-format",
    "=text",
    "-length",
    "-media",
    "-image",
    "-video",
    "-caption",
    "-button",
    "-carousel",
    "=card",
    "=cards",
    "-component",
    "-language",
    "=content",
    "模板",
    "範本",
    "参数",
    "參數",
    "变量",
    "變量",
    "變數",
    "号码",
    "號碼",
    "手机",
    "手機",
    "格式",
    "内容",
    "內容",
    "文本",
    "长度",
    "長度",
    "按钮",
    "按鈕",
    "图片",
    "圖片",
    "视频",
    "收件人",
];

/// Words for a fault in a part. "Failed to send the template" is not one.
const FAULTS: &[&str] = &[
    "valid",
    "-wrong",
    "-miss",
    "-insufficient",
    "-exceed",
    "too long",
    "too short",
    "too many",
    "too few",
    "too large",
    "too big",
    "too small",
    "unsupported",
    "-supported",
    "not support",
    "not found",
    "-exist",
    "-empty",
    "-blank",
    "-must",
    "-requir",
    "-allow",
    "-expected",
    "-incorrect",
    "-illegal",
    "-malformed",
    "-match",
    "-differ",
    "-regist",
    "-unregist",
    "-approv",
    "-reject",
    "-paus",
    "-disabled",
    "-block",
    "-blacklist",
    "-violat",
    "-forbid",
    "-prohibit",
    "-duplicate",
    "-undeliverable",
    "not enough",
    "no such",
    "cannot be",
    "parameter error",
    "parameters error",
    "param error",
    "params error",
    "format error",
    "template error",
    "media upload error",
    "错误",
    "錯誤",
    "有误",
    "有誤",
    "无效",
    "無效",
    "非法",
    "不正确",
    "不正確",
    "不存在",
    "不支持",
    "不支援",
    "不匹配",
    "不一致",
    "不符",
    "不合法",
    "不合规",
    "不能为空",
    "不得",
    "不足",
    "不规范",
    "缺少",
    "缺失",
    "未通过",
    "未通過",
    "未注册",
    "未註冊",
    "未审核",
    "过长",
    "過長",
    "超过",
    "超過",
    "超出",
    "为空",
    "校验",
    "黑名单",
];

/// Words for a person whom the channel cannot reach.
const NOT_REACHABLE: &[&str] = &[
    "not a viber user",
    "not a whatsapp user",
    "not an rcs user",
    "not rcs enabled",
    "not rcs-enabled",
    "not rcs capable",
];

/// Words about a connection, time or load.
const LOST_WAY: &[&str] = &[
    "timeout",
    "timedout",
    "time out",
    "time-out",
    "timed out",
    "deadline",
    "took too long",
    "unavailable",
    "temporar",
    "overload",
    "high load",
    "under load",
    "server load",
    "capacity",
    "congest",
    "throttl",
    "concurren",
    "circuit",
    "acknowledg",
    "execution time",
    "allowed time",
    "time limit",
    "waiting",
    "seconds",
    "shutting down",
    "shutdown",
    "maintenance",
    "rate limit",
    "ratelimit",
    "too many requests",
    "gateway",
    "upstream",
    "connection",
    "=connect",
    "-connecting",
    "disconnect",
    "network",
    "socket",
    "unreachable",
    "hang up",
    "hung up",
    "broken pipe",
    "handshake",
    "reset by",
    "stream reset",
    "closed request",
    "closed by",
    "closed the",
    "closed before",
    "econn",
    "-epipe",
    "-enotfound",
    "-eai_again",
    "-ehost",
    "-enet",
    "getaddrinfo",
    "fetch failed",
    "request failed",
    "request aborted",
    "request was aborted",
    "request cancel",
    "request was cancel",
    "context cancel",
    "=eof",
    "=dns",
    "=tls",
    "=ssl",
    "=proxy",
    "=busy",
    "try again",
    "again later",
    "try later",
    "=retry",
    "=retries",
    "=retried",
    "=retrying",
    "超时",
    "超時",
    "繁忙",
    "网络",
    "網絡",
    "網路",
    "连接",
    "連接",
    "連線",
    "断开",
    "斷開",
    "稍后",
    "稍後",
    "重试",
    "重試",
    "网关",
    "限流",
    "并发",
    "併發",
    "等待",
    "暂时",
    "暫時",
    "中断",
    "中斷",
    "通道",
    "运营商",
    "運營商",
    "频繁",
    "頻繁",
    "过载",
    "逾时",
    "逾時",
    "再试",
    "再試",
];

/// Words for a failure without a cause, or inside a server: enough for doubt if there is nothing else to go by.
const TROUBLE: &[&str] = &[
    "unknown",
    "-undefined",
    "internal",
    "unexpected",
    "exception",
    "=again",
    "=later",
    "=system",
    "=load",
    "=reset",
    "=closed",
    "=aborted",
    "=cancelled",
    "=canceled",
    "-server",
    "response",
    "-respond",
    "-repl",
    "requests",
    "html",
    "json",
    "content type",
    "content-type",
    "content length",
    "content-length",
    "no content",
    "cannot read",
    "null pointer",
    "nil pointer",
    "nullpointer",
    "=panic",
    "out of memory",
    "-database",
    "=sql",
    "deadlock",
    "-queue",
    "=pool",
    "=500",
    "=502",
    "=503",
    "=504",
    "=499",
    "=524",
    "异常",
    "異常",
    "系统",
    "系統",
    "服务",
    "服務",
    "伺服器",
    "响应",
    "故障",
    "失败次数",
    "未知",
    "内部",
    "错误码",
    "不成功",
    "未成功",
];

/// Removes the user-given names of templates and bots: `[name]`, without spaces.
fn without_names(message: &str) -> String {
    let mut plain = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, bracket)) = rest.split_once('[') {
        plain.push_str(before);
        let mut depth = 1_u32;
        let end = bracket.char_indices().find_map(|(at, c)| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        });
        let (inside, after) = end.map_or((bracket, ""), |at| (&bracket[..at], &bracket[at + 1..]));
        if inside.contains(char::is_whitespace) {
            plain.push_str(inside);
        }
        plain.push(' ');
        rest = after;
    }
    plain + rest
}
